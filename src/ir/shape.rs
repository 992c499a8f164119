use core::fmt;

/// The extents of a tensor, row-major, outermost first.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// The extents as they are; a scalar is `[1]`.
    #[must_use]
    pub fn new(dims: &[usize]) -> Self {
        Self(dims.to_vec())
    }

    /// The extents.
    #[must_use]
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// How many elements.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.0.iter().product()
    }

    /// The innermost extent.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }

    /// The product of all extents but the innermost: a tensor seen as a matrix has this many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.iter().rev().skip(1).product()
    }

    /// The same leading extents over another innermost one.
    #[must_use]
    pub fn with_columns(&self, columns: usize) -> Self {
        let mut dims = self.0.clone();
        match dims.last_mut() {
            Some(last) => *last = columns,
            None => dims.push(columns),
        }
        Self(dims)
    }

    /// Another outermost extent over the same others.
    #[must_use]
    pub fn with_rows(&self, rows: usize) -> Self {
        let mut dims = self.0.clone();
        match dims.first_mut() {
            Some(first) => *first = rows,
            None => dims.push(rows),
        }
        Self(dims)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, dim) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{dim}")?;
        }
        f.write_str("]")
    }
}

/// What an element is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DType {
    /// A number: f32 on the GPU, f32 or f64 in the interpreter.
    F32,
    /// An index or a flag.
    U32,
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::U32 => "u32",
        })
    }
}

/// Element type and extents of a value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Type {
    /// What an element is.
    pub dtype: DType,
    /// How many there are along each axis.
    pub shape: Shape,
}

impl Type {
    /// A tensor of numbers.
    #[must_use]
    pub fn f32(dims: &[usize]) -> Self {
        Self { dtype: DType::F32, shape: Shape::new(dims) }
    }

    /// A tensor of indices.
    #[must_use]
    pub fn u32(dims: &[usize]) -> Self {
        Self { dtype: DType::U32, shape: Shape::new(dims) }
    }

    /// Bytes of the tensor on the GPU, where both element types take four.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shape.elements() as u64 * 4
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, self.shape)
    }
}
