use super::Dataset;

impl Dataset {
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
