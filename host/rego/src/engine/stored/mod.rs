//! The compact form in which compiled policies and their data are kept between runs: [`Stored`] values are written with a
//! [`Writer`] and read with a [`Reader`].
//!
//! Numbers are of variable length, and every text stands once: where it occurs first, with its number in place of it
//! afterwards. Nothing here says which version of the program wrote it: who keeps these bytes finds them by a key that does.
//!
//! Invariant: no bytes make the reader panic, recurse without a limit, or take memory for more elements than there are bytes.

mod program;
mod reader;
#[cfg(test)]
mod tests;
mod values;
mod writer;

use std::collections::BTreeMap;

pub use reader::Reader;
pub use writer::Writer;

/// The version of the form: another one is not read. It changes with the form of anything that is [`Stored`].
pub(crate) const VERSION: u32 = 1;

/// What can be written and read back.
pub trait Stored: Sized {
    /// Writes it.
    fn write(&self, to: &mut Writer);

    /// Reads what [`write`](Self::write) wrote; none for any other bytes.
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

/// A struct, field by field.
macro_rules! stored_struct {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::engine::stored::Stored for $type {
            fn write(&self, to: &mut $crate::engine::stored::Writer) {
                let Self { $($field),* } = self;
                $($crate::engine::stored::Stored::write($field, to);)*
            }

            fn read(from: &mut $crate::engine::stored::Reader<'_>) -> Option<Self> {
                Some(Self { $($field: $crate::engine::stored::Stored::read(from)?),* })
            }
        }
    };
}
pub(crate) use stored_struct;

/// An enum: the number of the variant, and what is in it. A variant with a field in parentheses has as many names there.
macro_rules! stored_enum {
    ($type:ty { $($number:literal => $variant:ident $(($($item:ident),*))? $({$($field:ident),*})?),* $(,)? }) => {
        impl $crate::engine::stored::Stored for $type {
            fn write(&self, to: &mut $crate::engine::stored::Writer) {
                match self {
                    $(Self::$variant $(($($item),*))? $({$($field),*})? => {
                        to.byte($number);
                        $($($crate::engine::stored::Stored::write($item, to);)*)?
                        $($($crate::engine::stored::Stored::write($field, to);)*)?
                    })*
                }
            }

            fn read(from: &mut $crate::engine::stored::Reader<'_>) -> Option<Self> {
                from.nested(|from| match from.byte()? {
                    $($number => {
                        $($(let $item = $crate::engine::stored::Stored::read(from)?;)*)?
                        $($(let $field = $crate::engine::stored::Stored::read(from)?;)*)?
                        Some(Self::$variant $(($($item),*))? $({$($field),*})?)
                    })*
                    _ => None,
                })
            }
        }
    };
}
pub(crate) use stored_enum;

impl Stored for bool {
    fn write(&self, to: &mut Writer) {
        to.byte(u8::from(*self));
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Stored for u32 {
    fn write(&self, to: &mut Writer) {
        to.number(u64::from(*self));
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.number()?.try_into().ok()
    }
}

impl Stored for usize {
    fn write(&self, to: &mut Writer) {
        to.number(*self as u64);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.number()?.try_into().ok()
    }
}

impl Stored for String {
    fn write(&self, to: &mut Writer) {
        to.text(self);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.text().map(|text| text.to_string())
    }
}

impl Stored for std::sync::Arc<str> {
    fn write(&self, to: &mut Writer) {
        to.text(self);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.text()
    }
}

impl<T: Stored> Stored for Option<T> {
    fn write(&self, to: &mut Writer) {
        to.byte(u8::from(self.is_some()));
        if let Some(value) = self {
            value.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            0 => Some(None),
            1 => T::read(from).map(Some),
            _ => None,
        }
    }
}

impl<T: Stored> Stored for Box<T> {
    fn write(&self, to: &mut Writer) {
        (**self).write(to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        T::read(from).map(Self::new)
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn write(&self, to: &mut Writer) {
        to.number(self.len() as u64);
        for element in self {
            element.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let length = from.length()?;
        // An element is larger in memory than here: what the bytes do not have gets no memory.
        let mut all = Self::with_capacity(length.min(RESERVED));
        for _ in 0..length {
            all.push(T::read(from)?);
        }
        Some(all)
    }
}

/// Elements of a list for which there is memory before they are read.
const RESERVED: usize = 4_096;

impl<K: Stored + Ord, V: Stored> Stored for BTreeMap<K, V> {
    fn write(&self, to: &mut Writer) {
        to.number(self.len() as u64);
        for (key, value) in self {
            key.write(to);
            value.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        // Made of a list in order, which is how it was written, a map needs no search for each key.
        Vec::<(K, V)>::read(from).map(|all| all.into_iter().collect())
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn write(&self, to: &mut Writer) {
        self.0.write(to);
        self.1.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?))
    }
}
