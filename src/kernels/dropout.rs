//! The head constants of dropout, the same in every shader that drops. Which site of the model it is comes with the step,
//! so that equal layers share a pipeline.

use super::Const;
use crate::ir::Dropout;

/// Threshold and the factor of the elements that stay.
pub(super) fn constants(dropout: Dropout) -> [(&'static str, Const); 2] {
    // p = 1 keeps one word in 2³²: that element becomes 0 too, as 1/(1 - p) is no number.
    let keep = if dropout.p < 1.0 { 1.0 / (1.0 - dropout.p) } else { 0.0 };
    [("THRESHOLD", Const::U32(dropout.threshold())), ("KEEP", Const::F32(keep))]
}

/// The same behind a flag, for shaders in which dropout is optional; nothing where there is none.
pub(super) fn optional(dropout: Option<Dropout>) -> Vec<(&'static str, Const)> {
    dropout.map_or_else(Vec::new, |dropout| {
        let mut all = vec![("DROPOUT", Const::Bool(true))];
        all.extend(constants(dropout));
        all
    })
}
