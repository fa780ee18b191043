//! What a task inherits from the play, roles, blocks and includes around it.

use crate::play::ast::{Block, Common, Origin, Play, Role, Task};
use crate::value::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// The surroundings of a list of tasks. Made once for each block, shared by its tasks.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// Keywords with one value each: the innermost that is set.
    pub keywords: Common,
    /// `when` of all levels, outermost first.
    pub when: Vec<Value>,
    /// `tags` of all levels.
    pub tags: Vec<Value>,
    /// `environment` of all levels, outermost first.
    pub environment: Vec<Value>,
    /// `module_defaults` of all levels, outermost first.
    pub module_defaults: Vec<Value>,
    /// `vars` of blocks and imports, outermost first.
    pub vars: Vec<Arc<Map>>,
    /// `notify` of the `apply` of includes.
    pub notify: Vec<Value>,
    /// Parameters of the roles around, outermost first.
    pub role_params: Vec<Arc<Map>>,
    /// Variables of `include_tasks` and `include_role` around, outermost first.
    pub include_params: Vec<Arc<Map>>,
    /// The roles that imported or included the innermost one, nearest first.
    pub parents: Vec<Arc<Role>>,
    /// The innermost role.
    pub role: Option<Arc<Role>>,
    /// Files included so far, to notice circles.
    pub files: Vec<PathBuf>,
    /// True inside handlers.
    pub handler: bool,
}

impl Surroundings {
    /// Those of a play's own tasks.
    pub fn of_play(play: &Arc<Play>) -> Surroundings {
        let mut around = Surroundings::default();
        around.add(&play.common);
        // The play's `vars` have a level of their own.
        around.vars.clear();
        around
    }

    /// Those inside a block.
    #[must_use]
    pub fn inside(&self, block: &Block) -> Surroundings {
        let mut inner = self.clone();
        inner.add(&block.common);
        if !block.role_params.is_empty() {
            inner.role_params.push(Arc::new(block.role_params.clone()));
        }
        if block.origin == Origin::ImportRole {
            inner.enter_role();
        }
        if block.role.is_some() {
            inner.role.clone_from(&block.role);
        }
        inner
    }

    /// Those of tasks that a task includes: what surrounds the task, the `apply` of the include,
    /// and its variables. The keywords of the include task itself do not reach them.
    #[must_use]
    pub fn included(&self, task: &Task, apply: &Common, params: Map) -> Surroundings {
        let mut inner = self.clone();
        inner.add(apply);
        let mut vars = task.common.vars.clone();
        for (key, value) in params {
            vars.insert(key, value);
        }
        if !vars.is_empty() {
            inner.include_params.push(Arc::new(vars));
        }
        inner
    }

    /// The role that is left for another one, which it imports or includes, is its parent.
    pub fn enter_role(&mut self) {
        if let Some(role) = self.role.take() {
            self.parents.insert(0, role);
        }
    }

    fn add(&mut self, level: &Common) {
        inherit(&mut self.keywords, level);
        self.when.extend_from_slice(&level.when);
        self.tags.extend_from_slice(&level.tags);
        self.environment.extend_from_slice(&level.environment);
        self.module_defaults
            .extend_from_slice(&level.module_defaults);
        if !level.vars.is_empty() {
            self.vars.push(Arc::new(level.vars.clone()));
        }
    }

    /// The keywords of a task: its own, else what it inherits.
    pub fn keywords(&self, task: &Task) -> Common {
        let mut keywords = self.keywords.clone();
        inherit(&mut keywords, &task.common);
        keywords
    }
}

/// Overwrites in `outer` what `inner` sets.
fn inherit(outer: &mut Common, inner: &Common) {
    macro_rules! single {
        ($($field:ident),*) => {
            $(if inner.$field.is_some() {
                outer.$field.clone_from(&inner.$field);
            })*
        };
    }
    single!(
        r#become,
        become_user,
        become_method,
        become_flags,
        become_exe,
        connection,
        port,
        remote_user,
        delegate_to,
        delegate_facts,
        run_once,
        ignore_errors,
        ignore_unreachable,
        any_errors_fatal,
        no_log,
        check_mode,
        diff,
        throttle,
        timeout,
        debugger
    );
}
