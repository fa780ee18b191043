//! AES-GCM for what goes to the host, a packet at a time.
//!
//! libssh2 hands packets to OpenSSL in blocks of 16 bytes, and has a ChaCha20 of its own in portable C:
//! either takes several times as long as all else that is done to send a large file. The linker puts
//! the function below in the place of libssh2's (`build.rs`); with a libssh2 that has no such function
//! (another version, or the system's) the program does not link.

use ssh2::{MethodType, Session};
use std::ffi::{c_int, c_uchar, c_uint, c_void};
use std::ptr::null_mut;

/// libssh2's ciphers, and AES-GCM before its ChaCha20; what it is built without it leaves out.
const CIPHERS: &str = "aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,\
                       aes256-ctr,aes192-ctr,aes128-ctr,aes256-cbc,aes192-cbc,aes128-cbc,3des-cbc";

/// Prefers AES-GCM where the processor has instructions for it.
///
/// # Errors
/// libssh2 knows none of the ciphers.
pub(super) fn prefer(session: &Session) -> Result<(), ssh2::Error> {
    match has_aes() {
        true => session.method_pref(MethodType::CryptCs, CIPHERS),
        false => Ok(()),
    }
}

#[cfg(target_arch = "x86_64")]
fn has_aes() -> bool {
    is_x86_feature_detected!("aes") && is_x86_feature_detected!("pclmulqdq")
}

#[cfg(target_arch = "aarch64")]
fn has_aes() -> bool {
    std::arch::is_aarch64_feature_detected!("aes")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has_aes() -> bool {
    false
}

/// `EVP_CIPHER_CTX *`.
type Context = *mut c_void;

/// The function that names a cipher.
type Cipher = unsafe extern "C" fn() -> *const c_void;

/// In libssh2's words: where in a packet a block is.
const FIRST_BLOCK: c_int = 1;
const LAST_BLOCK: c_int = 2;

/// The length of the packet, which is sent in the clear but authenticated.
const HEAD: usize = 4;

/// The authentication tag.
const TAG: usize = 16;

const EVP_CTRL_GCM_GET_TAG: c_int = 0x10;
const EVP_CTRL_GCM_IV_GEN: c_int = 0x13;

#[expect(unsafe_code, reason = "functions of libssh2 and OpenSSL")]
unsafe extern "C" {
    fn __real_ssh2_cipher_crypt(
        context: *mut Context,
        cipher: Cipher,
        encrypt: c_int,
        block: *mut c_uchar,
        length: usize,
        which: c_int,
    ) -> c_int;
    fn EVP_Cipher(context: Context, to: *mut c_uchar, from: *const c_uchar, n: c_uint) -> c_int;
    fn EVP_CIPHER_CTX_ctrl(context: Context, what: c_int, n: c_int, with: *mut c_uchar) -> c_int;
    fn EVP_aes_128_gcm() -> *const c_void;
    fn EVP_aes_256_gcm() -> *const c_void;
}

/// Stands for libssh2's `ssh2_cipher_crypt`, which encrypts a packet with one call for each block, in
/// place, and with a last call for the tag; 0 on success. With AES-GCM the first call encrypts all of
/// it, those for the blocks between have nothing left to do.
///
/// # Safety
/// libssh2 calls it, always with blocks of a whole packet that begins with its length, and with room
/// for the tag in the last call.
#[expect(unsafe_code, reason = "called by libssh2")]
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_ssh2_cipher_crypt(
    context: *mut Context,
    cipher: Cipher,
    encrypt: c_int,
    block: *mut c_uchar,
    length: usize,
    which: c_int,
) -> c_int {
    let is = |other: Cipher| std::ptr::fn_addr_eq(cipher, other);
    if encrypt == 0 || !(is(EVP_aes_256_gcm) || is(EVP_aes_128_gcm)) {
        // SAFETY: passed on as it came.
        return unsafe { __real_ssh2_cipher_crypt(context, cipher, encrypt, block, length, which) };
    }
    let done = match which {
        // SAFETY: the context is one of OpenSSL's, and the packet is as long as its head says.
        FIRST_BLOCK => unsafe { whole(*context, block) },
        // SAFETY: the same context, and room for the tag.
        LAST_BLOCK => unsafe { tag(*context, block) },
        _ => true,
    };
    c_int::from(!done)
}

/// Encrypts a packet in place.
///
/// # Safety
/// `packet` begins with its length without these four bytes.
#[expect(unsafe_code, reason = "functions of OpenSSL")]
unsafe fn whole(context: Context, packet: *mut c_uchar) -> bool {
    let mut last_of_nonce = 0;
    // SAFETY: see above; OpenSSL encrypts in place.
    unsafe {
        let length = u32::from_be_bytes(packet.cast::<[u8; HEAD]>().read());
        let body = packet.add(HEAD);
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_IV_GEN, 1, &raw mut last_of_nonce) == 1
            && EVP_Cipher(context, null_mut(), packet, HEAD as c_uint) >= 0
            && EVP_Cipher(context, body, body, length) >= 0
    }
}

/// Ends a packet with its tag.
///
/// # Safety
/// There is room for it.
#[expect(unsafe_code, reason = "functions of OpenSSL")]
unsafe fn tag(context: Context, to: *mut c_uchar) -> bool {
    // SAFETY: see above.
    unsafe {
        EVP_Cipher(context, null_mut(), null_mut(), 0) >= 0
            && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG as c_int, to) == 1
    }
}
