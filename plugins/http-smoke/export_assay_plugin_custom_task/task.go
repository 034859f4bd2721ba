// Package export_assay_plugin_custom_task is http-smoke: pages of a service are requested, and the responses checked.
package export_assay_plugin_custom_task

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"wit_component/assay"
	http "wit_component/assay_plugin_http"
	logging "wit_component/assay_plugin_logging"
	"wit_component/assay_plugin_tests"
	"wit_component/assay_plugin_types"
)

type result = witTypes.Result[assay_plugin_types.Verdict, assay_plugin_types.Error]

// number is a parameter that is an integer.
func number(ctx assay_plugin_types.Context, name string) uint32 {
	value := uint32(0)
	for _, param := range ctx.Params {
		if param.Name == name && param.Value.Tag() == assay_plugin_types.Value_Json {
			_ = json.Unmarshal([]byte(param.Value.Json()), &value)
		}
	}
	return value
}

func isTrue(ctx assay_plugin_types.Context, name string) bool {
	for _, param := range ctx.Params {
		if param.Name == name && param.Value.Tag() == assay_plugin_types.Value_Json {
			return param.Value.Json() == "true"
		}
	}
	return false
}

// page is one request and what is expected of its response.
type page struct {
	path   string
	status uint16
}

// pages reads the parameter `paths`.
func pages(items []string) ([]page, error) {
	var all []page
	for _, item := range items {
		one := page{path: item, status: 200}
		if at := strings.LastIndex(item, "="); at >= 0 {
			status, err := strconv.ParseUint(item[at+1:], 10, 16)
			// What follows `=` may belong to a query.
			if err == nil && status >= 100 && status <= 599 {
				one = page{path: item[:at], status: uint16(status)}
			}
		}
		if !strings.HasPrefix(one.path, "/") {
			return nil, fmt.Errorf("`paths` has `%s`, which does not begin with `/`", item)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("`paths` is empty, so nothing would be tested")
	}
	return all, nil
}

// differences compares a response with what is expected of it.
func differences(one page, response http.Response, contains, headers []string) []string {
	var all []string
	if response.Status != one.status {
		all = append(all, fmt.Sprintf("has the status %d, not %d", response.Status, one.status))
	}
	body := string(response.Body)
	for _, text := range contains {
		if !strings.Contains(body, text) {
			all = append(all, fmt.Sprintf("does not contain `%s`", text))
		}
	}
	for _, wanted := range headers {
		name, value, hasValue := strings.Cut(wanted, "=")
		found := false
		for _, header := range response.Headers {
			found = found || (strings.EqualFold(header.F0, name) && (!hasValue || header.F1 == value))
		}
		if !found {
			all = append(all, fmt.Sprintf("has no header `%s`", wanted))
		}
	}
	return all
}

func failed(err assay_plugin_types.Error) result {
	return witTypes.Err[assay_plugin_types.Verdict, assay_plugin_types.Error](err)
}

// reason is why there is no response.
func reason(err http.Error) string {
	switch err.Tag() {
	case http.Error_Timeout:
		return "did not answer in time"
	case http.Error_Tls:
		return "cannot be reached: " + err.Tls()
	case http.Error_Transport:
		return "cannot be reached: " + err.Transport()
	}
	return "answered too much"
}

// Run is called once.
func Run(ctx assay_plugin_types.Context) result {
	base := strings.TrimRight(assay.Text(ctx, "url"), "/")
	all, err := pages(assay.List(ctx, "paths"))
	if err != nil {
		return failed(assay.Invalid(err.Error()))
	}
	contains, headers := assay.List(ctx, "contains"), assay.List(ctx, "headers")
	var findings []assay_plugin_types.Finding
	var cases []assay_plugin_tests.TestCase
	successes := uint32(0)
	for _, one := range all {
		url := base + one.path
		request := http.Request{
			Method:    assay.Text(ctx, "method"),
			Url:       url,
			Body:      http.MakeBodyNone(),
			Auth:      witTypes.None[string](),
			TimeoutMs: witTypes.Some(number(ctx, "timeout-ms")),
		}
		if isTrue(ctx, "secret") {
			request.Auth = witTypes.Some("service")
		}
		answer := http.Send(request)
		var wrong []string
		code := "http-smoke.response"
		if answer.IsErr() {
			cause := answer.Err()
			if cause.Tag() == http.Error_Denied {
				return failed(assay.Invalid(url + " is denied: " + cause.Denied()))
			}
			// The service may just be starting: the engine tries the task again.
			if ctx.Attempt < number(ctx, "attempts") {
				return failed(assay.Retry(url+" "+reason(cause), 0))
			}
			code, wrong = "http-smoke.unreachable", []string{reason(cause)}
		} else {
			wrong = differences(one, answer.Ok(), contains, headers)
		}
		outcome, message := assay_plugin_types.Outcome_Success, witTypes.None[string]()
		if len(wrong) == 0 {
			successes++
			logging.Log(logging.Level_Info, url+" answers as expected")
		} else {
			text := strings.Join(wrong, "; ")
			outcome, message = assay_plugin_types.Outcome_Failure, witTypes.Some(text)
			finding := assay.Failure(code, url+" "+text, url)
			finding.Terms = []string{one.path}
			findings = append(findings, finding)
		}
		cases = append(cases, assay_plugin_tests.TestCase{Suite: "http-smoke", Name: one.path, Outcome: outcome, Message: message})
	}
	if added := assay_plugin_tests.Add(cases); added.IsErr() {
		return failed(assay.Invalid("there are too many `paths`"))
	}
	note := fmt.Sprintf("%d of %d pages of %s answer as expected", successes, len(all), base)
	return witTypes.Ok[assay_plugin_types.Verdict, assay_plugin_types.Error](assay.Verdict(successes, findings, note))
}
