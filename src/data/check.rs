use super::{DataError, Dataset, Example};

impl Dataset {
    /// A task's question as the model reads it, sign included, with its right answer; `None` for texts.
    ///
    /// # Errors
    /// What is no question of the task.
    pub fn question(&self, text: &str) -> Result<Option<Example>, DataError> {
        let Some(task) = self.as_task() else { return Ok(None) };
        let text = text.trim();
        let in_prompt = |error| DataError::Text { name: "prompt".to_owned(), error };
        let ids = self.tokenizer().encode(text).map_err(in_prompt)?;
        let (question, _) = task.question(&ids, text)?;
        Ok(Some(Example { answer: task.answer(&question), question }))
    }

    /// Whether a completion is the right answer to a task's question; `None` for texts and for what is no question.
    #[must_use]
    pub fn check(&self, question: &str, completion: &str) -> Option<bool> {
        let task = self.as_task()?;
        let asked = self.tokenizer().encode(question.trim()).ok()?;
        task.probe(&asked, question).ok()?;
        let end = self.tokenizer().eos();
        let right: Vec<u32> = task.answer(&asked).into_iter().filter(|&id| Some(id) != end).collect();
        Some(self.tokenizer().decode(&right) == completion)
    }
}
