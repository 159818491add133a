//! How deep components and types are nested. What reads types recurs as deep as they are nested,
//! here and in the host, which walks those of the components that it loads; so they are looked at
//! without recurring, before anything else reads them.

use wasmparser::{
    BinaryReader, ComponentAlias, ComponentExternName, ComponentImport, ComponentType,
    ComponentTypeRef, CoreType, Result,
};

const COMPONENT: u8 = 0x41;
const INSTANCE: u8 = 0x42;

/// Of the types of a section that is inside of so many components: components in components, and
/// types in types, together are more than `most`.
pub fn is_too_deep(section: &[u8], components: usize, most: usize) -> Result<bool> {
    let mut reader = BinaryReader::new(section, 0);
    // Of each that is open, how many are still to come: types of the section, then declarations.
    let mut open = vec![reader.read_var_u32()?];
    while let Some(left) = open.last_mut() {
        if *left == 0 {
            open.pop();
            continue;
        }
        *left -= 1;
        if open.len() > 1 && !is_type(&mut reader)? {
            continue;
        }
        if !matches!(reader.clone().read_u8()?, COMPONENT | INSTANCE) {
            reader.read::<ComponentType<'_>>()?;
            continue;
        }
        if components + open.len() > most {
            return Ok(true);
        }
        reader.read_u8()?;
        open.push(reader.read_var_u32()?);
    }
    Ok(false)
}

/// Reads a declaration. True: it is that of a type, which is still to be read.
fn is_type(reader: &mut BinaryReader<'_>) -> Result<bool> {
    match reader.read_u8()? {
        0x00 => drop(reader.read::<CoreType<'_>>()?),
        0x01 => return Ok(true),
        0x02 => drop(reader.read::<ComponentAlias<'_>>()?),
        0x03 => drop(reader.read::<ComponentImport<'_>>()?),
        // 4, and what is none: that is told by what reads the types afterwards.
        _ => {
            reader.read::<ComponentExternName<'_>>()?;
            reader.read::<ComponentTypeRef>()?;
        }
    }
    Ok(false)
}
