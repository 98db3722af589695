//! The built-in search index: product texts in, product ids out. Knows nothing of the database.
//!
//! Each node keeps an index of its own, in a folder or in memory. It holds nothing that cannot be made again from the
//! database: one that is missing, damaged or of another layout is thrown away, and whoever feeds it starts from nothing.

mod fields;
mod query;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use kernel::{PageRequest, ProductId, Timestamp};
use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term};

use fields::Fields;

/// The limits of a search.
pub mod limits {
    /// Characters of a query that are read; what follows is ignored.
    pub const QUERY: usize = 200;
    /// Words of a query that are read.
    pub const WORDS: usize = 12;
    /// Bytes of a word; longer ones are not indexed.
    pub const WORD: usize = 40;
    /// Memory for products waiting to be written.
    pub const WRITER_BYTES: usize = 20_000_000;
}

/// The layout's name; a folder of another layout is not touched.
const LAYOUT: &str = "products-1";

/// A product as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedProduct {
    /// Which product.
    pub id: ProductId,
    /// Its name.
    pub title: String,
    /// Its variants' names: the values of its options.
    pub variants: Vec<String>,
    /// Its article numbers and barcodes: found only when typed in full, and then first.
    pub codes: Vec<String>,
    /// The categories it stands in.
    pub categories: Vec<String>,
    /// Summary, facts and description.
    pub text: String,
    /// The cheapest variant's price.
    pub min_price_minor: i64,
    /// The dearest variant's price.
    pub max_price_minor: i64,
    /// When it was first sold.
    pub published_at: Option<Timestamp>,
}

/// What becomes of one product in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It is found from now on, by these texts.
    Put(Box<IndexedProduct>),
    /// It is not found any more.
    Remove(ProductId),
}

/// How far an index has come, written together with what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Tells one shop's database from another's.
    pub shop: String,
    /// The catalogue's revision.
    pub revision: i64,
}

kernel::words! {
    /// In which order products are found.
    pub enum Order {
        /// The best match first.
        Relevance = "relevance",
        /// The latest first.
        Newest = "newest",
        /// The cheapest first.
        PriceUp = "price_up",
        /// The dearest first.
        PriceDown = "price_down",
    }
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// As it was typed: any text at all.
    pub text: String,
    /// In which order.
    pub order: Order,
    /// Which page.
    pub page: PageRequest,
    /// What to do with words nobody knows.
    pub spelling: Spelling,
}

/// What to do with words nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// Look for the nearest known word instead, and say so.
    Correct,
    /// Look for exactly what was typed.
    AsTyped,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The products of the page, in order.
    pub ids: Vec<ProductId>,
    /// How many there are in all.
    pub total: u32,
    /// The query that was answered, if it is not the one that was typed.
    pub corrected: Option<String>,
    /// When nothing was found: each word of the query by itself, and how many products know it.
    pub words: Vec<(String, u32)>,
}

/// Why the index cannot answer or learn.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Another process has it open for writing.
    #[error(
        "the search index in {0} is in use by another process; give each process a folder of its own"
    )]
    InUse(PathBuf),
    /// The folder cannot be used.
    #[error("the folder {folder} for the search index cannot be used: {source}")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else: damage, or a bug.
    #[error("the search index does not work: {0}")]
    Engine(#[from] tantivy::TantivyError),
}

/// The search index of one node. Clones share it.
#[derive(Clone)]
pub struct SearchIndex(Arc<Inner>);

struct Inner {
    place: Place,
    engine: RwLock<Arc<Engine>>,
    broken: AtomicBool,
    feeder: tokio::sync::Mutex<()>,
}

enum Place {
    Memory,
    Folder(PathBuf),
}

struct Engine {
    index: Index,
    reader: IndexReader,
    fields: Fields,
    writer: Mutex<Option<IndexWriter>>,
}

impl SearchIndex {
    /// An index that lives as long as the process.
    pub fn in_memory() -> Result<Self, IndexError> {
        Self::at(Place::Memory)
    }

    /// An index in this folder, which is made if it is not there. What is in it is used again, unless it is damaged.
    pub fn in_folder(folder: &Path) -> Result<Self, IndexError> {
        Self::at(Place::Folder(folder.join(LAYOUT)))
    }

    fn at(place: Place) -> Result<Self, IndexError> {
        let engine = RwLock::new(Arc::new(place.open()?));
        Ok(Self(Arc::new(Inner {
            place,
            engine,
            broken: AtomicBool::new(false),
            feeder: tokio::sync::Mutex::new(()),
        })))
    }

    /// How far the index has come; nothing if it has to start anew.
    pub fn reached(&self) -> Option<Reached> {
        if self.0.broken.load(Ordering::SeqCst) {
            return None;
        }
        let metas = self.engine().index.load_metas().ok()?;
        serde_json::from_str(&metas.payload?).ok()
    }

    /// Finds products. Any text is a query; what means nothing finds nothing.
    pub fn find(&self, query: &Query) -> Result<Found, IndexError> {
        let engine = self.engine();
        let found = query::find(&engine.reader.searcher(), &engine.fields, query);
        Ok(found.inspect_err(|_| self.0.broken.store(true, Ordering::SeqCst))?)
    }

    /// Forgets everything, and whatever was wrong with it.
    pub fn clear(&self) -> Result<(), IndexError> {
        if self.0.broken.load(Ordering::SeqCst) {
            let mut engine = self
                .0
                .engine
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            drop(engine.writer().take());
            self.0.place.wipe()?;
            *engine = Arc::new(self.0.place.open()?);
            self.0.broken.store(false, Ordering::SeqCst);
        }
        self.write(|writer, _| writer.delete_all_documents().map(drop))
    }

    /// Takes in some products. They are found after the next [`Self::commit`].
    pub fn learn(&self, entries: &[Entry]) -> Result<(), IndexError> {
        self.write(|writer, fields| {
            for entry in entries {
                let id = match entry {
                    Entry::Put(product) => &product.id,
                    Entry::Remove(id) => id,
                };
                writer.delete_term(Term::from_field_text(fields.id, id.as_str()));
            }
            let put = entries.iter().filter_map(|entry| match entry {
                Entry::Put(product) => Some(fields.document(product)),
                Entry::Remove(_) => None,
            });
            for document in put {
                writer.add_document(document)?;
            }
            Ok(())
        })
    }

    /// Makes everything learnt since the last time durable and findable, with how far it has come.
    pub fn commit(&self, reached: &Reached) -> Result<(), IndexError> {
        let payload = serde_json::to_string(reached).unwrap_or_default();
        self.write(|writer, _| {
            let mut commit = writer.prepare_commit()?;
            commit.set_payload(&payload);
            commit.commit().map(drop)
        })?;
        Ok(self.engine().reader.reload()?)
    }

    /// The right to feed the index, of which there is one: two feeders would undo each other's work.
    pub async fn feeder(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.feeder.lock().await
    }

    fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.0.engine.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(
        &self,
        work: impl FnOnce(&mut IndexWriter, &Fields) -> Result<(), tantivy::TantivyError>,
    ) -> Result<(), IndexError> {
        let engine = self.engine();
        let mut slot = engine.writer();
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => self.open_writer(&engine)?,
        };
        let done = work(&mut writer, &engine.fields);
        // A writer that failed holds nothing worth keeping: the next one starts from the last commit.
        match done {
            Ok(()) => {
                *slot = Some(writer);
                Ok(())
            }
            Err(error) => {
                self.0.broken.store(true, Ordering::SeqCst);
                Err(error.into())
            }
        }
    }

    fn open_writer(&self, engine: &Engine) -> Result<IndexWriter, IndexError> {
        engine
            .index
            .writer_with_num_threads(1, limits::WRITER_BYTES)
            .map_err(|error| match (&self.0.place, error) {
                (Place::Folder(folder), tantivy::TantivyError::LockFailure(..)) => {
                    IndexError::InUse(folder.clone())
                }
                (_, other) => IndexError::Engine(other),
            })
    }
}

impl fmt::Debug for SearchIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.0.place {
            Place::Memory => "in memory".to_owned(),
            Place::Folder(folder) => folder.display().to_string(),
        };
        f.debug_tuple("SearchIndex").field(&place).finish()
    }
}

impl Place {
    /// Opens what is there; throws it away and starts anew if it cannot be opened.
    fn open(&self) -> Result<Engine, IndexError> {
        let (schema, fields) = Fields::schema();
        let index = match self {
            Self::Memory => Index::create_in_ram(schema),
            Self::Folder(folder) => {
                make(folder)?;
                let known = open_folder(folder, schema.clone());
                match known {
                    Ok(index) => index,
                    Err(error) => {
                        tracing::warn!(
                            "The search index in {} is made anew: {error}",
                            folder.display()
                        );
                        self.wipe()?;
                        make(folder)?;
                        open_folder(folder, schema)?
                    }
                }
            }
        };
        words::register(index.tokenizers());
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(Engine {
            index,
            reader,
            fields,
            writer: Mutex::new(None),
        })
    }

    fn wipe(&self) -> Result<(), IndexError> {
        let Self::Folder(folder) = self else {
            return Ok(());
        };
        match std::fs::remove_dir_all(folder) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(IndexError::Folder {
                    folder: folder.clone(),
                    source,
                })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

fn make(folder: &Path) -> Result<(), IndexError> {
    std::fs::create_dir_all(folder).map_err(|source| IndexError::Folder {
        folder: folder.to_owned(),
        source,
    })
}

fn open_folder(
    folder: &Path,
    schema: tantivy::schema::Schema,
) -> Result<Index, tantivy::TantivyError> {
    let index = Index::open_or_create(MmapDirectory::open(folder)?, schema)?;
    // Damage shows here, while starting anew is easy, and not in the middle of a search.
    let damaged = index.validate_checksum()?;
    match damaged.into_iter().next() {
        None => Ok(index),
        Some(file) => Err(tantivy::TantivyError::InternalError(format!(
            "{} is damaged",
            file.display()
        ))),
    }
}

impl Engine {
    fn writer(&self) -> MutexGuard<'_, Option<IndexWriter>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fields {
    fn document(&self, product: &IndexedProduct) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_text(self.id, product.id.as_str());
        for code in &product.codes {
            document.add_text(self.codes, words::code(code));
        }
        for name in std::iter::once(&product.title)
            .chain(&product.variants)
            .chain(&product.categories)
        {
            document.add_text(self.names, words::spaced(name));
            document.add_text(self.words, words::spaced(name));
        }
        document.add_text(self.words, words::spaced(&product.text));
        document.add_text(self.title, words::spaced(&product.title));
        for variant in &product.variants {
            document.add_text(self.variants, words::spaced(variant));
        }
        for category in &product.categories {
            document.add_text(self.categories, words::spaced(category));
        }
        document.add_text(self.text, words::spaced(&product.text));
        document.add_i64(self.min_price, product.min_price_minor);
        document.add_i64(self.max_price, product.max_price_minor);
        document.add_i64(
            self.published,
            product.published_at.map_or(0, Timestamp::millis),
        );
        document
    }
}
