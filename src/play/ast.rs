//! A playbook as parsed: plays, blocks and tasks, with every value still unrendered.
//!
//! Static content (`import_tasks`, `import_role`, roles of a play, `import_playbook`) is expanded
//! here into blocks, so that what runs is one tree; `include_*` tasks stay tasks and are loaded
//! when they are reached. Keywords are inherited by walking the tree: a block keeps its own and
//! the walker stacks them.

use crate::diag::Span;
use crate::value::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// All plays of a run, `import_playbook` expanded.
#[derive(Clone, Debug, Default)]
pub struct Playbook {
    /// In order.
    pub plays: Vec<Arc<Play>>,
}

/// One play.
#[derive(Clone, Debug, Default)]
pub struct Play {
    /// `name`; templated when shown.
    pub name: Option<Value>,
    /// `hosts`: a string or a list, possibly templates.
    pub hosts: Value,
    /// Keywords that tasks inherit (`become`, `vars`, `environment`, `tags`, `when` of imports ...).
    pub common: Common,
    /// `gather_facts`; `None` follows the configuration.
    pub gather_facts: Option<Value>,
    /// `gather_subset`, `gather_timeout`, `fact_path`.
    pub gather_options: Map,
    /// `vars_files`: each entry a string, or a list of which the first that exists counts.
    pub vars_files: Vec<Value>,
    /// `vars_prompt` entries.
    pub vars_prompt: Vec<Value>,
    /// Roles of the play with their dependencies, in the order they run; also those whose tasks
    /// are imported. Their `defaults` and `vars` are visible to the whole play.
    pub roles: Vec<Arc<Role>>,
    /// `pre_tasks`.
    pub pre_tasks: Vec<Item>,
    /// The blocks of `roles:` (dependencies first).
    pub role_blocks: Vec<Item>,
    /// `tasks`.
    pub tasks: Vec<Item>,
    /// `post_tasks`.
    pub post_tasks: Vec<Item>,
    /// Handlers: those of the roles first, then the play's.
    pub handlers: Vec<Item>,
    /// `serial`: a number, a percentage or a list of them.
    pub serial: Option<Value>,
    /// `strategy`.
    pub strategy: Option<Value>,
    /// `max_fail_percentage`.
    pub max_fail_percentage: Option<Value>,
    /// `order`.
    pub order: Option<Value>,
    /// `force_handlers`.
    pub force_handlers: Option<Value>,
    /// The file of the play.
    pub file: PathBuf,
    /// The whole play.
    pub span: Span,
}

/// A task or a block.
#[derive(Clone, Debug)]
pub enum Item {
    /// One task.
    Task(Arc<Task>),
    /// Several, with shared keywords.
    Block(Arc<Block>),
}

/// A `block:`, or what a static import or a role was expanded to.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// `name`.
    pub name: Option<Value>,
    /// Keywords that its tasks inherit.
    pub common: Common,
    /// The tasks.
    pub block: Vec<Item>,
    /// `rescue`.
    pub rescue: Vec<Item>,
    /// `always`.
    pub always: Vec<Item>,
    /// The role whose tasks these are, where this block is the expansion of one. Its parameters
    /// and `vars:` are in `role_params` and `common.vars`.
    pub role: Option<Arc<Role>>,
    /// Parameters given to the role (`{role: x, port: 80}`).
    pub role_params: Map,
    /// What this block was written as.
    pub origin: Origin,
    /// The statement.
    pub span: Span,
}

/// Where a block came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// `block:`
    #[default]
    Block,
    /// `import_tasks:`
    ImportTasks,
    /// `import_role:`
    ImportRole,
    /// The tasks of an entry of `roles:`, of a dependency, or of an imported role.
    Role,
    /// Around the blocks of a role's dependencies: the keywords, `vars:` and parameters of the role
    /// that depends on them. A host that is through with that role goes through this all the same.
    Dependencies,
}

/// One task or handler.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// `name`, unrendered.
    pub name: Option<Value>,
    /// The module as it was written (`copy`, `ansible.builtin.copy`).
    pub module: String,
    /// Where the module's name stands.
    pub module_span: Span,
    /// Arguments: a dict (free-form text is under the module's free-form option, `k=v` text is
    /// split), or a template string that must render to a dict (`args: "{{ x }}"`).
    pub args: Value,
    /// Keywords that are inherited.
    pub common: Common,
    /// `loop` or `with_*`.
    pub looping: Option<Loop>,
    /// `loop_control`: `loop_var`, `index_var`, `label`, `pause`, `extended`, `break_when` ...
    pub loop_control: Map,
    /// `register`.
    pub register: Option<Value>,
    /// `notify`: names, possibly templates.
    pub notify: Vec<Value>,
    /// `listen` (handlers).
    pub listen: Vec<Value>,
    /// `changed_when`: conditions that must all hold.
    pub changed_when: Option<Vec<Value>>,
    /// `failed_when`.
    pub failed_when: Option<Vec<Value>>,
    /// `until`.
    pub until: Option<Vec<Value>>,
    /// `retries`.
    pub retries: Option<Value>,
    /// `delay`.
    pub delay: Option<Value>,
    /// `async`.
    pub background: Option<Value>,
    /// `poll`.
    pub poll: Option<Value>,
    /// `first_available_file`, `local_action` and other rewrites are done by the parser.
    /// The role the task belongs to.
    pub role: Option<Arc<Role>>,
    /// The file the task is in.
    pub file: PathBuf,
    /// The whole task.
    pub span: Span,
}

/// Keywords that plays, blocks, roles and tasks share and that are inherited from the outside in.
/// Everything is unrendered; absent means inherited.
#[derive(Clone, Debug, Default)]
pub struct Common {
    /// `when`: conditions of this level (all levels must hold).
    pub when: Vec<Value>,
    /// `vars`.
    pub vars: Map,
    /// `environment`: dicts, or templates that render to dicts; inner ones win.
    pub environment: Vec<Value>,
    /// `tags` of this level (levels add up).
    pub tags: Vec<Value>,
    /// `module_defaults` of this level (dicts by module or `group/x`).
    pub module_defaults: Vec<Value>,
    /// `become`.
    pub r#become: Option<Value>,
    /// `become_user`.
    pub become_user: Option<Value>,
    /// `become_method`.
    pub become_method: Option<Value>,
    /// `become_flags`.
    pub become_flags: Option<Value>,
    /// `become_exe`.
    pub become_exe: Option<Value>,
    /// `connection`.
    pub connection: Option<Value>,
    /// `port`.
    pub port: Option<Value>,
    /// `remote_user`.
    pub remote_user: Option<Value>,
    /// `delegate_to`.
    pub delegate_to: Option<Value>,
    /// `delegate_facts`.
    pub delegate_facts: Option<Value>,
    /// `run_once`.
    pub run_once: Option<Value>,
    /// `ignore_errors`.
    pub ignore_errors: Option<Value>,
    /// `ignore_unreachable`.
    pub ignore_unreachable: Option<Value>,
    /// `any_errors_fatal`.
    pub any_errors_fatal: Option<Value>,
    /// `no_log`.
    pub no_log: Option<Value>,
    /// `check_mode`.
    pub check_mode: Option<Value>,
    /// `diff`.
    pub diff: Option<Value>,
    /// `throttle`.
    pub throttle: Option<Value>,
    /// `timeout`.
    pub timeout: Option<Value>,
    /// `debugger`.
    pub debugger: Option<Value>,
    /// `collections`.
    pub collections: Vec<Value>,
}

/// A loop.
#[derive(Clone, Debug)]
pub struct Loop {
    /// `None` for `loop:`; the lookup's name for `with_NAME:`.
    pub lookup: Option<String>,
    /// The items, unrendered.
    pub items: Value,
    /// Where the keyword stands.
    pub span: Span,
}

/// A role as found on disk. One value per distinct use is not needed: parameters are on the block.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// Name as Ansible shows it (`galaxyproject.galaxy`, or the last part of a path).
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
    /// Equal for uses of a role with the same parameters, keywords and files: a host that is
    /// through with one of them leaves the others out, unless [`Role::allow_duplicates`].
    pub identity: String,
    /// `defaults/main` (or `defaults_from`).
    pub defaults: Arc<Map>,
    /// `vars/main` (or `vars_from`).
    pub vars: Arc<Map>,
    /// `meta/main`: `allow_duplicates`.
    pub allow_duplicates: bool,
    /// Roles it depends on.
    pub dependencies: Vec<Arc<Role>>,
    /// `meta/argument_specs.yml`, entry point of this use, if there is one.
    pub argument_spec: Option<Value>,
    /// The role that depends on this one or includes it: its `vars` are visible here too. (As it
    /// was before its dependencies were known: its own `dependencies` are empty here.)
    pub parents: Vec<Arc<Role>>,
}
