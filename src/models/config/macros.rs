//! A configuration as a table: field, kind, default, key.

/// Defines a configuration: its struct, Hugging Face's defaults, reading and writing by key. `$plain` is what its options
/// are when Hugging Face's class says nothing of them.
macro_rules! config {
    (
        $(#[$doc:meta])*
        $name:ident, $family:literal, $plain:expr,
        { $($(#[$field_doc:meta])* $field:ident: $ty:ty = $default:expr, $key:literal;)+ }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)+
            /// What Hugging Face's class cannot say.
            pub options: $crate::models::Options,
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ options: $plain }
            }
        }

        impl $name {
            /// Sets one key by its Hugging Face name, or an option by ours; returns whether there is such a key.
            ///
            /// # Errors
            /// When the value is of the wrong kind.
            pub fn set(&mut self, key: &str, value: &serde_json::Value) -> Result<bool, $crate::models::ModelError> {
                match key {
                    $($key => self.$field = $crate::models::config::value::Setting::read(key, value)?,)+
                    _ => return self.options.set(key, value),
                }
                Ok(true)
            }

            /// The value of a key; null where there is none of this name.
            #[must_use]
            pub fn get(&self, key: &str) -> serde_json::Value {
                match key {
                    $($key => $crate::models::config::value::Setting::write(&self.$field),)+
                    _ => self.options.get(key),
                }
            }

            /// The keys of a `config.json`, less `architectures`.
            #[must_use]
            pub fn to_map(&self) -> serde_json::Map<String, serde_json::Value> {
                let mut map = serde_json::Map::new();
                map.insert("model_type".to_owned(), $family.into());
                $(map.insert($key.to_owned(), $crate::models::config::value::Setting::write(&self.$field));)+
                let options = self.options.to_map($plain);
                if !options.is_empty() {
                    map.insert("trainyard".to_owned(), options.into());
                }
                map
            }
        }
    };
}

pub(super) use config;
