(function () {
  "use strict";
  // No ampersand and no angle bracket: the page is well-formed XML, too.
  var filter = document.getElementById("filter");
  var cards = Array.from(document.querySelectorAll("[data-state]"));
  var contents = cards.map(function (card) { return card.textContent.toLowerCase(); });
  var field = function (name) { return document.getElementById("filter-" + name); };
  var names = ["text", "rule", "component", "state"];

  function lists(card, name, wanted) {
    return wanted === "" ? true : card.getAttribute("data-" + name).split(" ").includes(wanted);
  }

  function apply() {
    var words = field("text").value.toLowerCase().split(" ").filter(Boolean);
    var shown = 0;
    cards.forEach(function (card, at) {
      var fits = ["rule", "component", "state"].every(function (name) {
        return lists(card, name, field(name).value);
      });
      fits = fits ? words.every(function (word) { return contents[at].includes(word); }) : false;
      card.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    field("count").textContent = shown === cards.length ? "" : shown + " of " + cards.length + " entries shown";
  }

  function reveal() {
    var id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch (malformed) { return; }
    var target = id === "" ? null : document.getElementById(id);
    for (var at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") { at.open = true; }
      at.hidden = false;
    }
    if (target) { target.scrollIntoView(); }
  }

  if (filter) {
    names.forEach(function (name) { field(name).addEventListener("input", apply); });
    field("clear").addEventListener("click", function () {
      names.forEach(function (name) { field(name).value = ""; });
      apply();
    });
    filter.hidden = false;
  }
  var closed = [];
  window.addEventListener("beforeprint", function () {
    closed = Array.from(document.querySelectorAll("details:not([open])"));
    closed.forEach(function (details) { details.open = true; });
  });
  window.addEventListener("afterprint", function () {
    closed.forEach(function (details) { details.open = false; });
  });
  window.addEventListener("hashchange", reveal);
  reveal();
  document.documentElement.setAttribute("data-script", "ran");
}());
