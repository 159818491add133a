//! A type as C has it.

use std::ffi::c_char;

/// `struct bhd_type`. The C side asserts the layout.
#[repr(C)]
pub struct Node {
    pub kind: u32,
    pub count: u32,
    pub parts: *mut Part,
    /// Of a resource's type; or null.
    pub name: *mut c_char,
    /// Tells resource types of one component apart; from 1.
    pub resource: u32,
    pub is_shared: u32,
}

#[repr(C)]
pub struct Part {
    pub name: *mut c_char,
    pub node: *mut Node,
}
