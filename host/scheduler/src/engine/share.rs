//! [`Share`]: which task is started next, between tenants and priorities.

use std::collections::{BTreeMap, VecDeque};

use assay_model::run::Priority;

use super::{Limits, activity::TaskRef};

/// The tasks of one tenant that could start.
#[derive(Debug, Default)]
struct Tenant {
    ready: BTreeMap<Priority, VecDeque<TaskRef>>,
    /// Jobs in the queue or in a worker's hand.
    active: u32,
    /// When it last got something, as a number.
    turn: u64,
}

/// The tenants take turns: of those that may, the one with the fewest jobs, and of those the one that waited longest. Within a
/// tenant the most urgent and then the oldest task is next. An urgent task of any tenant comes before all that are not.
#[derive(Debug)]
pub(super) struct Share {
    tenants: BTreeMap<String, Tenant>,
    limits: Limits,
    turn: u64,
}

impl Share {
    pub(super) const fn new(limits: Limits) -> Self {
        Self { tenants: BTreeMap::new(), limits, turn: 0 }
    }

    /// A task could start.
    pub(super) fn push(&mut self, tenant: &str, priority: Priority, task: TaskRef) {
        self.tenants.entry(tenant.to_owned()).or_default().ready.entry(priority).or_default().push_back(task);
    }

    /// The task that is started next.
    pub(super) fn next(&mut self) -> Option<TaskRef> {
        let limits = &self.limits;
        let best = self
            .tenants
            .iter_mut()
            .filter(|(name, tenant)| limits.quotas.get(*name).is_none_or(|quota| tenant.active < *quota))
            .filter_map(|(_, tenant)| {
                let priority = *tenant.ready.iter().rev().find(|(_, tasks)| !tasks.is_empty())?.0;
                Some((priority, tenant))
            })
            .min_by_key(|(priority, tenant)| (std::cmp::Reverse(*priority), tenant.active, tenant.turn));
        let (priority, tenant) = best?;
        self.turn += 1;
        tenant.turn = self.turn;
        tenant.ready.get_mut(&priority)?.pop_front()
    }

    /// A job of the tenant is in the queue.
    pub(super) fn entered(&mut self, tenant: &str) {
        self.tenants.entry(tenant.to_owned()).or_default().active += 1;
    }

    /// A job of the tenant has ended.
    pub(super) fn left(&mut self, tenant: &str) {
        if let Some(tenant) = self.tenants.get_mut(tenant) {
            tenant.active = tenant.active.saturating_sub(1);
        }
    }

    /// The tasks of a run do not start any more.
    pub(super) fn forget(&mut self, run: usize) {
        for tasks in self.tenants.values_mut().flat_map(|tenant| tenant.ready.values_mut()) {
            tasks.retain(|task| task.run != run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(run: usize, task: usize) -> TaskRef {
        TaskRef { run, scenario: 0, task }
    }

    #[test]
    fn a_small_tenant_is_not_behind_a_large_one() {
        let mut share = Share::new(Limits::default());
        for number in 0..1_000 {
            share.push("large", Priority::Normal, task(0, number));
        }
        for number in 0..10 {
            share.push("small", Priority::Normal, task(1, number));
        }
        let first: Vec<_> = (0..20)
            .map(|_| {
                let task = share.next().unwrap();
                share.entered(if task.run == 0 { "large" } else { "small" });
                task.run
            })
            .collect();
        assert_eq!(first.iter().filter(|run| **run == 1).count(), 10, "{first:?}");
    }

    #[test]
    fn urgent_tasks_come_first_and_a_quota_holds_back_its_tenant_alone() {
        let quotas = BTreeMap::from([("a".to_owned(), 1)]);
        let mut share = Share::new(Limits { quotas, ..Limits::default() });
        share.push("a", Priority::Bulk, task(0, 0));
        share.push("a", Priority::Urgent, task(0, 1));
        share.push("b", Priority::Normal, task(1, 0));
        assert_eq!(share.next(), Some(task(0, 1)));
        share.entered("a");
        assert_eq!(share.next(), Some(task(1, 0)));
        assert_eq!(share.next(), None);
        share.left("a");
        assert_eq!(share.next(), Some(task(0, 0)));
    }
}
