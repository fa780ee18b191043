//! The modules, one file each, and the registry that lists them.
//!
//! A module gets typed arguments and a read-only view of the host and returns operations; it never
//! performs anything, and it never sees variables or templates. Dry run, diff and idempotence
//! follow from that and are written once, in [`run`].

pub mod common;
mod foreseen;
mod module;
mod registry;
mod run;

pub use foreseen::{DIFFERS, Foreseen, Foresight, digest};
pub use module::{Anything, Control, FileSearch, Kind, Module, RenderOptions, Side};
pub use registry::{Entry, all, find, names};
pub use run::{Flags, StepResult, run};

registry::modules! {
    add_host::AddHost,
    alternatives::Alternatives,
    apt::Apt,
    apt_key::AptKey,
    apt_repository::AptRepository,
    assemble::Assemble,
    assert::Assert,
    async_status::AsyncStatus,
    authorized_key::AuthorizedKey,
    blockinfile::Blockinfile,
    command::Command,
    copy::Copy,
    cron::Cron,
    deb822_repository::Deb822Repository,
    debconf::Debconf,
    debug::Debug,
    dpkg_selections::DpkgSelections,
    fail::Fail,
    fetch::Fetch,
    file::File,
    find::Find,
    foreign::Foreign,
    get_url::GetUrl,
    getent::Getent,
    git::Git,
    group::Group,
    group_by::GroupBy,
    hostname::Hostname,
    import_playbook::ImportPlaybook,
    import_role::ImportRole,
    import_tasks::ImportTasks,
    include_role::IncludeRole,
    include_tasks::IncludeTasks,
    include_vars::IncludeVars,
    ini_file::IniFile,
    inner_debug::InnerDebug,
    known_hosts::KnownHosts,
    lineinfile::Lineinfile,
    locale_gen::LocaleGen,
    make::Make,
    meta::Meta,
    modprobe::Modprobe,
    mount::Mount,
    npm::Npm,
    package::Package,
    package_facts::PackageFacts,
    pam_limits::PamLimits,
    pause::Pause,
    ping::Ping,
    pip::Pip,
    postgresql_db::PostgresqlDb,
    postgresql_membership::PostgresqlMembership,
    postgresql_privs::PostgresqlPrivs,
    postgresql_user::PostgresqlUser,
    raw::RawCommand,
    reboot::Reboot,
    replace::Replace,
    script::Script,
    service::Service,
    service_facts::ServiceFacts,
    set_fact::SetFact,
    set_stats::SetStats,
    setup::Setup,
    shell::Shell,
    slurp::Slurp,
    stat::Stat,
    supervisorctl::Supervisorctl,
    symlink_clone::SymlinkClone,
    sysctl::Sysctl,
    systemd::Systemd,
    sysvinit::Sysvinit,
    tempfile::Tempfile,
    template::Template,
    timezone::Timezone,
    unarchive::Unarchive,
    uri::Uri,
    user::User,
    validate_argument_spec::ValidateArgumentSpec,
    wait_for::WaitFor,
    wait_for_connection::WaitForConnection,
}
