//! Hooks: what runs before and after each step.

use crate::{Optimizer, Result};

/// Called with the optimizer around a step; an error ends the step.
pub type Hook = Box<dyn FnMut(&mut dyn Optimizer) -> Result<()> + Send>;

/// Names a hook, to remove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookId(u64);

/// The hooks of an optimizer.
#[derive(Default)]
pub struct Hooks {
    lists: [Vec<(HookId, Hook)>; 2],
    made: u64,
}

/// When hooks run.
#[derive(Clone, Copy)]
pub(crate) enum When {
    Before = 0,
    After = 1,
}

impl Hooks {
    pub(crate) fn before(&mut self, hook: Hook) -> HookId {
        self.add(When::Before, hook)
    }

    pub(crate) fn after(&mut self, hook: Hook) -> HookId {
        self.add(When::After, hook)
    }

    fn add(&mut self, when: When, hook: Hook) -> HookId {
        let id = HookId(self.made);
        self.made += 1;
        self.lists[when as usize].push((id, hook));
        id
    }

    pub(crate) fn remove(&mut self, id: HookId) -> bool {
        let count = |hooks: &Self| hooks.lists.iter().map(Vec::len).sum::<usize>();
        let before = count(self);
        self.lists.iter_mut().for_each(|hooks| hooks.retain(|(known, _)| *known != id));
        before > count(self)
    }

    /// Runs the hooks of `optimizer` in the order of their registration.
    pub(crate) fn run(optimizer: &mut dyn Optimizer, when: When) -> Result<()> {
        // Taken out meanwhile, so that a hook may use the whole optimizer; one that it registers comes behind.
        let mut hooks = std::mem::take(&mut optimizer.hooks().lists[when as usize]);
        let result = hooks.iter_mut().try_for_each(|(_, hook)| hook(optimizer));
        let list = &mut optimizer.hooks().lists[when as usize];
        hooks.append(list);
        *list = hooks;
        result
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hooks({} before, {} after)", self.lists[0].len(), self.lists[1].len())
    }
}
