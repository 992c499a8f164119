use super::buffers::Arenas;
use super::content::Span;
use crate::ir::{Graph, ParamId};

/// Arena offsets are multiples of this many elements: 256 bytes, the strictest alignment of a storage binding.
pub const ALIGNMENT: usize = 64;

impl Arenas {
    /// Lays the parameters of a graph out: decayed ones first, so that weight decay is one comparison; inside the two
    /// groups in declaration order; each at an aligned offset, the gaps holding zeros for ever.
    #[must_use]
    pub fn new(graph: &Graph) -> Self {
        let mut params = vec![(0, 0); graph.params.len()];
        let mut next = 0;
        let mut decayed = 0;
        for decay in [true, false] {
            for (slot, param) in params.iter_mut().zip(&graph.params).filter(|(_, p)| p.decay == decay) {
                let elements = param.shape.elements();
                *slot = (next, elements);
                next += elements.next_multiple_of(ALIGNMENT);
            }
            if decay {
                decayed = next;
            }
        }
        Self { params, decayed, elements: next.max(ALIGNMENT) }
    }

    /// Everything.
    #[must_use]
    pub const fn all(&self) -> Span {
        Span { first: 0, end: self.elements }
    }

    /// Where a parameter stands.
    #[must_use]
    pub fn span(&self, param: ParamId) -> Span {
        let (first, elements) = self.params.get(param.index()).copied().unwrap_or_default();
        Span { first, end: first + elements }
    }

    /// One flat arena from a tensor for each parameter.
    #[must_use]
    pub fn flatten(&self, tensors: &[Vec<f32>]) -> Vec<f32> {
        let mut flat = vec![0.0; self.elements];
        for (&(offset, elements), tensor) in self.params.iter().zip(tensors) {
            let n = elements.min(tensor.len());
            flat[offset..offset + n].copy_from_slice(&tensor[..n]);
        }
        flat
    }

    /// A tensor for each parameter from one flat arena.
    #[must_use]
    pub fn split(&self, flat: &[f32]) -> Vec<Vec<f32>> {
        self.params
            .iter()
            .map(|&(offset, elements)| flat.get(offset..offset + elements).map(<[f32]>::to_vec).unwrap_or_default())
            .collect()
    }
}
