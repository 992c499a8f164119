use super::weights::check_finite;
use super::{CONFIG, File, TOKENIZER, WEIGHTS, export_weights};
use crate::train::{Session, State, TrainError};

impl Session {
    /// The model in Hugging Face's form: configuration, weights and tokenizer as they are now.
    ///
    /// # Errors
    /// When the device fails, or a weight is not finite.
    pub async fn export(&mut self) -> Result<Vec<File>, TrainError> {
        let state = self.engine_mut().state().await?;
        self.model_files(&state)
    }

    pub(super) fn model_files(&self, state: &State) -> Result<Vec<File>, TrainError> {
        check_finite(self.engine().graph(), &state.parameters)?;
        let config = format!("{:#}\n", self.settings().model.to_json()?);
        Ok(vec![
            File { name: CONFIG, bytes: config.into_bytes() },
            File {
                name: WEIGHTS,
                bytes: export_weights(self.settings().model.config.family(), self.engine().graph(), &state.parameters),
            },
            File { name: TOKENIZER, bytes: self.data().tokenizer().to_json().into_bytes() },
        ])
    }
}
