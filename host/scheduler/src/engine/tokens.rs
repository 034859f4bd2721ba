//! [`Tokens`]: how many jobs are with each service. A task for which there is none waits here, in its order.

use std::collections::{BTreeMap, VecDeque};

use super::activity::TaskRef;
use crate::settings::ServiceLimit;

/// The tokens of all services.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// By the name of a plugin.
    limits: BTreeMap<String, ServiceLimit>,
    groups: BTreeMap<String, Group>,
}

#[derive(Debug, Default)]
struct Group {
    used: u32,
    held: VecDeque<TaskRef>,
}

impl Tokens {
    pub(super) const fn new(limits: BTreeMap<String, ServiceLimit>) -> Self {
        Self { limits, groups: BTreeMap::new() }
    }

    /// The limit of a plugin's service, if it has been reached.
    pub(super) fn reached(&self, plugin: &str) -> Option<&ServiceLimit> {
        let limit = self.limits.get(plugin)?;
        self.groups.get(&limit.group).filter(|group| group.used >= limit.max).map(|_| limit)
    }

    /// How many tasks wait for a token of the service already.
    pub(super) fn waiting(&self, group: &str) -> usize {
        self.groups.get(group).map_or(0, |group| group.held.len())
    }

    /// A task waits for a token.
    pub(super) fn hold(&mut self, group: &str, task: TaskRef) {
        self.groups.entry(group.to_owned()).or_default().held.push_back(task);
    }

    /// A job of the plugin is in the queue.
    pub(super) fn take(&mut self, plugin: &str) {
        if let Some(limit) = self.limits.get(plugin) {
            self.groups.entry(limit.group.clone()).or_default().used += 1;
        }
    }

    /// A job of the plugin has ended.
    pub(super) fn give_back(&mut self, plugin: &str) {
        let limit = self.limits.get(plugin);
        if let Some(group) = limit.and_then(|limit| self.groups.get_mut(&limit.group)) {
            group.used = group.used.saturating_sub(1);
        }
    }

    /// The task that waited longest for a token of the plugin's service, if there is one for it.
    pub(super) fn next(&mut self, plugin: &str) -> Option<TaskRef> {
        let limit = self.limits.get(plugin)?;
        let group = self.groups.get_mut(&limit.group)?;
        (group.used < limit.max).then(|| group.held.pop_front()).flatten()
    }

    /// The tasks of a run do not start any more.
    pub(super) fn forget(&mut self, run: usize) {
        self.groups.values_mut().for_each(|group| group.held.retain(|task| task.run != run));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_of_one_group_share_its_tokens_and_others_are_not_held_back() {
        let limit = |max| ServiceLimit { group: "farm".to_owned(), max };
        let mut tokens = Tokens::new([("a".to_owned(), limit(2)), ("b".to_owned(), limit(2))].into());
        let task = |task| TaskRef { run: 0, scenario: 0, task };
        tokens.take("a");
        assert_eq!(tokens.reached("b"), None);
        tokens.take("b");
        assert_eq!((tokens.reached("a"), tokens.reached("b")), (Some(&limit(2)), Some(&limit(2))));
        assert_eq!(tokens.reached("c"), None);
        tokens.hold("farm", task(1));
        tokens.hold("farm", task(2));
        assert_eq!((tokens.waiting("farm"), tokens.waiting("other")), (2, 0));
        assert_eq!(tokens.next("a"), None);
        tokens.give_back("a");
        assert_eq!(tokens.next("b"), Some(task(1)));
        tokens.forget(0);
        assert_eq!(tokens.next("b"), None);
    }
}
