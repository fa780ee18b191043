//! Names that templates set themselves.

use super::obj::Obj;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// One scope of a template, inside another one. Macros keep the scope they were defined in.
#[derive(Default)]
pub struct Locals {
    vars: RefCell<Vec<(Arc<str>, Obj)>>,
    parent: Option<Rc<Locals>>,
}

impl Locals {
    /// A scope inside `parent`.
    pub fn inside(parent: &Rc<Locals>) -> Rc<Locals> {
        Rc::new(Locals {
            vars: RefCell::default(),
            parent: Some(parent.clone()),
        })
    }

    /// The innermost value of a name.
    pub fn get(&self, name: &str) -> Option<Obj> {
        let own = self
            .vars
            .borrow()
            .iter()
            .rev()
            .find(|(n, _)| &**n == name)
            .map(|(_, v)| v.clone());
        own.or_else(|| self.parent.as_ref()?.get(name))
    }

    /// Sets a name here.
    pub fn set(&self, name: &Arc<str>, value: Obj) {
        let mut vars = self.vars.borrow_mut();
        match vars.iter_mut().find(|(n, _)| n == name) {
            Some(slot) => slot.1 = value,
            None => vars.push((name.clone(), value)),
        }
    }

    /// What was set here.
    pub fn own(&self) -> Vec<(Arc<str>, Obj)> {
        self.vars.borrow().clone()
    }
}
