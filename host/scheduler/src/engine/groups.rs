//! [`Groups`]: the tasks of a scenario by their names in the pipeline.

use super::activity::Task;

/// The tasks of one name in the pipeline: one, or a task with a matrix and its cells.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// How many of them have not ended. A task that stands for its cells does not count.
    pub(super) open: usize,
    /// The tasks that wait for it.
    pub(super) dependents: Vec<usize>,
    /// Where its tasks are in [`Groups::order`].
    first: usize,
    end: usize,
}

/// All groups of a scenario. A run may have many thousands of tasks, so names are not kept here: they are those of the tasks,
/// which every call is given.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// The tasks in the order of their names.
    order: Vec<usize>,
    groups: Vec<Group>,
}

impl Groups {
    /// Groups of tasks.
    pub(super) fn of(tasks: &[Task]) -> Self {
        let name = |index: &usize| tasks.get(*index).map(|task| task.plan.pipeline_task.as_str());
        let mut order: Vec<usize> = (0..tasks.len()).collect();
        order.sort_by(|one, other| name(one).cmp(&name(other)).then(one.cmp(other)));
        let mut groups = Vec::new();
        let mut first = 0;
        for members in order.chunk_by(|one, other| name(one) == name(other)) {
            let end = first + members.len();
            let is_open = |index: &&usize| tasks.get(**index).is_some_and(|task| !task.has_cells && !task.is_ended());
            groups.push(Group { open: members.iter().filter(is_open).count(), dependents: Vec::new(), first, end });
            first = end;
        }
        groups.shrink_to_fit();
        Self { order, groups }
    }

    fn position(&self, tasks: &[Task], name: &str) -> Option<usize> {
        let of = |group: &Group| Some(tasks.get(*self.order.get(group.first)?)?.plan.pipeline_task.as_str());
        self.groups.binary_search_by(|group| of(group).cmp(&Some(name))).ok()
    }

    /// The group of a name.
    pub(super) fn get(&self, tasks: &[Task], name: &str) -> Option<&Group> {
        self.groups.get(self.position(tasks, name)?)
    }

    /// The group of a name.
    pub(super) fn get_mut(&mut self, tasks: &[Task], name: &str) -> Option<&mut Group> {
        let position = self.position(tasks, name)?;
        self.groups.get_mut(position)
    }

    /// The tasks of a name in the plan's order, without one that stands for its cells.
    pub(super) fn members<'t>(&self, tasks: &'t [Task], name: &str) -> impl Iterator<Item = &'t Task> {
        let group = self.get(tasks, name);
        let members = group.and_then(|group| self.order.get(group.first..group.end)).unwrap_or_default();
        members.iter().filter_map(|index| tasks.get(*index)).filter(|task| !task.has_cells)
    }
}
