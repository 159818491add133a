//! Digests for C, out of crates that use the processor's instructions where it has them.

use sha2::{Digest, Sha256};

/// Writes the SHA-256 of the bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_sha256(data: *const u8, size: usize, digest: &mut [u8; 32]) {
    *digest = Sha256::digest(unsafe { crate::bytes(data, size) }).into();
}

/// The CRC-32C (Castagnoli) of what has `before` and the bytes behind it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_crc32c(before: u32, data: *const u8, size: usize) -> u32 {
    crc32c::crc32c_append(before, unsafe { crate::bytes(data, size) })
}
