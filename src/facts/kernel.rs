//! What only a system call can tell, about the machine this process runs on.

use nix::libc;
use std::ffi::{CStr, CString};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;

/// `uname -m`.
pub(super) fn machine() -> String {
    let known = nix::sys::utsname::uname().ok();
    known.map_or_else(
        || std::env::consts::ARCH.to_owned(),
        |u| u.machine().to_string_lossy().into_owned(),
    )
}

/// CPUs this process may run on.
pub(super) fn usable_cpus() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// Sizes of a file system, as `statvfs(3)` has them.
pub(super) struct Space {
    pub block_size: u64,
    pub fragment_size: u64,
    pub blocks: u64,
    pub available: u64,
    pub inodes: u64,
    pub inodes_available: u64,
}

/// Asks the file system mounted at a path.
pub(super) fn space(path: &Path) -> Option<Space> {
    let stat = nix::sys::statvfs::statvfs(path).ok()?;
    Some(Space {
        block_size: stat.block_size(),
        fragment_size: stat.fragment_size(),
        blocks: stat.blocks(),
        available: stat.blocks_available(),
        inodes: stat.files(),
        inodes_available: stat.files_available(),
    })
}

/// One IPv4 address of an interface.
pub(super) struct Address {
    /// The label: `eth0`, or `eth0:1` for an alias.
    pub label: String,
    pub address: Ipv4Addr,
    pub netmask: Ipv4Addr,
    pub broadcast: Option<Ipv4Addr>,
}

/// All IPv4 addresses, in the kernel's order.
pub(super) fn addresses() -> Vec<Address> {
    let Ok(all) = nix::ifaddrs::getifaddrs() else {
        return Vec::new();
    };
    let ipv4 = |s: Option<nix::sys::socket::SockaddrStorage>| {
        s.and_then(|s| s.as_sockaddr_in().map(nix::sys::socket::SockaddrIn::ip))
    };
    all.filter_map(|a| {
        Some(Address {
            address: ipv4(a.address)?,
            netmask: ipv4(a.netmask)?,
            // Without one the field holds the own address.
            broadcast: ipv4(a.broadcast).filter(|b| Some(*b) != ipv4(a.address)),
            label: a.interface_name,
        })
    })
    .collect()
}

/// The source address the kernel would use towards `peer`. Nothing is sent.
pub(super) fn source_address(peer: IpAddr) -> Option<IpAddr> {
    let any: SocketAddr = match peer {
        IpAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        IpAddr::V6(_) => ([0u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect((peer, 53)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// A moment broken down in the local time zone.
pub(super) struct Local {
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    /// Sunday is 0.
    pub weekday: i32,
    /// 1 January is 0.
    pub yearday: i32,
    /// Seconds east of Greenwich.
    pub offset: i64,
    pub daylight: bool,
    pub zone: String,
}

/// Breaks a moment (seconds since the epoch) down.
pub(super) fn local(epoch: i64) -> Option<Local> {
    // SAFETY: `localtime_r` writes into the zeroed `tm` that we own; `tm_zone` points into the C
    // library's zone data, which lives on, and is copied at once.
    unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&epoch, &mut tm).is_null() {
            return None;
        }
        let zone = if tm.tm_zone.is_null() {
            String::new()
        } else {
            CStr::from_ptr(tm.tm_zone).to_string_lossy().into_owned()
        };
        Some(Local {
            year: tm.tm_year + 1900,
            month: tm.tm_mon + 1,
            day: tm.tm_mday,
            hour: tm.tm_hour,
            minute: tm.tm_min,
            second: tm.tm_sec,
            weekday: tm.tm_wday,
            yearday: tm.tm_yday,
            offset: tm.tm_gmtoff,
            daylight: tm.tm_isdst > 0,
            zone,
        })
    }
}

/// The full name that the resolver knows for a host name: forward, then back. May ask a name
/// server.
pub(super) fn resolve_name(name: &str) -> Option<String> {
    let wanted = CString::new(name).ok()?;
    let mut host = [0 as libc::c_char; 1025];
    // SAFETY: `getaddrinfo` allocates the list that `freeaddrinfo` releases; `host` is as long as
    // `getnameinfo` is told, and holds a terminated string where it answers 0.
    unsafe {
        let mut found: *mut libc::addrinfo = std::ptr::null_mut();
        let rc = libc::getaddrinfo(
            wanted.as_ptr(),
            std::ptr::null(),
            std::ptr::null(),
            &mut found,
        );
        if rc != 0 || found.is_null() {
            return None;
        }
        let rc = libc::getnameinfo(
            (*found).ai_addr,
            (*found).ai_addrlen,
            host.as_mut_ptr(),
            host.len() as libc::socklen_t,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        );
        libc::freeaddrinfo(found);
        (rc == 0).then(|| CStr::from_ptr(host.as_ptr()).to_string_lossy().into_owned())
    }
}
