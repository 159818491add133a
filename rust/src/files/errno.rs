//! The system's error numbers as those of WASI. Wasmtime's table turns many of them into "I/O
//! error".

use std::io;

use rustix::io::Errno as E;
use wasmtime_wasi::p1::types::Errno;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// The number behind an error; a path that leads out of its directory has none of the system's.
pub fn number(e: &io::Error) -> E {
    match (e.raw_os_error(), e.kind()) {
        (Some(n), _) => E::from_raw_os_error(n),
        (None, io::ErrorKind::PermissionDenied) => E::PERM,
        (None, io::ErrorKind::InvalidInput) => E::INVAL,
        (None, io::ErrorKind::NotFound) => E::NOENT,
        _ => E::IO,
    }
}

pub fn code(e: &io::Error) -> ErrorCode {
    match number(e) {
        E::ACCESS => ErrorCode::Access,
        E::AGAIN => ErrorCode::WouldBlock,
        E::ALREADY => ErrorCode::Already,
        E::BADF => ErrorCode::BadDescriptor,
        E::BUSY => ErrorCode::Busy,
        E::DEADLK => ErrorCode::Deadlock,
        E::DQUOT => ErrorCode::Quota,
        E::EXIST => ErrorCode::Exist,
        E::FBIG => ErrorCode::FileTooLarge,
        E::ILSEQ => ErrorCode::IllegalByteSequence,
        E::INPROGRESS => ErrorCode::InProgress,
        E::INTR => ErrorCode::Interrupted,
        E::INVAL => ErrorCode::Invalid,
        E::ISDIR => ErrorCode::IsDirectory,
        E::LOOP => ErrorCode::Loop,
        E::MLINK => ErrorCode::TooManyLinks,
        E::NAMETOOLONG => ErrorCode::NameTooLong,
        E::NODEV => ErrorCode::NoDevice,
        E::NOENT => ErrorCode::NoEntry,
        E::NOLCK => ErrorCode::NoLock,
        E::NOMEM | E::MFILE | E::NFILE => ErrorCode::InsufficientMemory,
        E::NOSPC => ErrorCode::InsufficientSpace,
        E::NOTDIR => ErrorCode::NotDirectory,
        E::NOTEMPTY => ErrorCode::NotEmpty,
        E::NOTSUP | E::NOSYS => ErrorCode::Unsupported,
        E::NOTTY => ErrorCode::NoTty,
        E::NXIO => ErrorCode::NoSuchDevice,
        E::OVERFLOW => ErrorCode::Overflow,
        E::PERM => ErrorCode::NotPermitted,
        E::PIPE => ErrorCode::Pipe,
        E::ROFS => ErrorCode::ReadOnly,
        E::SPIPE => ErrorCode::InvalidSeek,
        E::TXTBSY => ErrorCode::TextFileBusy,
        E::XDEV => ErrorCode::CrossDevice,
        _ => ErrorCode::Io,
    }
}

pub fn errno(e: &io::Error) -> Errno {
    match number(e) {
        E::MFILE | E::NFILE => Errno::Nfile,
        E::STALE => Errno::Stale,
        _ => code(e).into(),
    }
}

/// The system's own text is never shown; the number is what a guest gets.
pub fn error(errno: E) -> io::Error {
    io::Error::from_raw_os_error(errno.raw_os_error())
}
