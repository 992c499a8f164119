use super::{CONFIG, File, TOKENIZER, WEIGHTS, export_weights};
use crate::train::{Session, TrainError};

impl Session {
    /// The model in Hugging Face's form: configuration, weights and tokenizer as they are now.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn export(&mut self) -> Result<Vec<File>, TrainError> {
        let state = self.engine_mut().state().await?;
        let config = format!("{:#}\n", self.settings().model.to_json());
        Ok(vec![
            File { name: CONFIG, bytes: config.into_bytes() },
            File { name: WEIGHTS, bytes: export_weights(self.engine().graph(), &state.parameters) },
            File { name: TOKENIZER, bytes: self.data().tokenizer().to_json().into_bytes() },
        ])
    }
}
