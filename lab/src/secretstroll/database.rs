//! Points of interest in SQLite, from which the server answers.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};

use super::map::{CELLS, Map, Poi};
use crate::Error;

/// The table, as the original has it: ratings are a text with a JSON list.
const TABLE: &str = "CREATE TABLE POI (
    poi_id INTEGER PRIMARY KEY,
    poi_name TEXT NOT NULL,
    poi_address TEXT NOT NULL,
    grid_id INTEGER NOT NULL,
    poi_ratings TEXT NOT NULL
);
CREATE INDEX POI_of_cell ON POI (grid_id, poi_id);";

const COLUMNS: &str = "poi_id, poi_name, poi_address, grid_id, poi_ratings";

/// The points of all cells.
#[derive(Debug)]
pub struct Database {
    connection: Mutex<Connection>,
    /// What errors call it.
    name: String,
    /// Another number after every change.
    version: AtomicU64,
}

impl Database {
    /// Writes the points of a map into a new file.
    ///
    /// # Errors
    ///
    /// If there is such a file already, or it cannot be written.
    pub fn create(path: &Path, map: &Map) -> Result<Self, Error> {
        let name = path.display().to_string();
        if path.exists() {
            return Err(Error::Wrong(format!("{name} is there already; take another name, or remove it")));
        }
        let opened = Connection::open(path);
        Self::filled(opened.map_err(|error| Error::Wrong(format!("{name}: {error}")))?, name, map)
    }

    /// The points of a map, in memory alone.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn in_memory(map: &Map) -> Result<Self, Error> {
        let opened = Connection::open_in_memory();
        Self::filled(opened.map_err(|error| Error::Wrong(error.to_string()))?, "the database".to_owned(), map)
    }

    fn filled(connection: Connection, name: String, map: &Map) -> Result<Self, Error> {
        let made = connection.execute_batch(TABLE);
        let database = Self { connection: Mutex::new(connection), name, version: AtomicU64::new(0) };
        made.map_err(|error| database.wrong(&error))?;
        database.replace(map)?;
        Ok(database)
    }

    /// Opens a file to read it.
    ///
    /// # Errors
    ///
    /// If there is none, or it is no such database.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let mend = "`wfkit-lab secretstroll server setup` makes one";
        let opened = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let connection = opened.map_err(|error| Error::Wrong(format!("{name}: {error}; {mend}")))?;
        let database = Self { connection: Mutex::new(connection), name, version: AtomicU64::new(0) };
        // All that answers are made of is looked at once, and not when somebody asks.
        for cell in 1..=CELLS {
            let points =
                database.cell(cell).and_then(|ids| ids.into_iter().try_for_each(|id| database.poi(id).map(|_| ())));
            points.map_err(|error| Error::Wrong(format!("{error}; {mend}")))?;
        }
        Ok(database)
    }

    /// Puts the points of another map in the place of all that are there; whoever reads meanwhile gets the old ones or the new.
    ///
    /// # Errors
    ///
    /// What SQLite says; then nothing has changed.
    pub fn replace(&self, map: &Map) -> Result<(), Error> {
        let mut connection = self.connection();
        let mut replace = || -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM POI", [])?;
            let mut insert =
                transaction.prepare(&format!("INSERT INTO POI ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5)"))?;
            for Poi { poi_id, poi_name, poi_address, grid_id, poi_ratings } in map.pois() {
                let ratings = serde_json::to_string(poi_ratings).expect("numbers can be written");
                insert.execute(params![poi_id, poi_name, poi_address, grid_id, ratings])?;
            }
            drop(insert);
            transaction.commit()
        };
        replace().map_err(|error| self.wrong(&error))?;
        self.version.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Another number after every [`replace`](Self::replace).
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Numbers of the points in a cell, in rising order; none of a cell that is not there.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn cell(&self, cell: u32) -> Result<Vec<u32>, Error> {
        let connection = self.connection();
        let read = || -> rusqlite::Result<Vec<u32>> {
            let mut ids = connection.prepare_cached("SELECT poi_id FROM POI WHERE grid_id = ?1 ORDER BY poi_id")?;
            ids.query_map([cell], |row| row.get(0))?.collect()
        };
        read().map_err(|error| self.wrong(&error))
    }

    /// A point, where there is one of this number.
    ///
    /// # Errors
    ///
    /// What SQLite says, or if its ratings are no list of numbers.
    pub fn poi(&self, poi_id: u32) -> Result<Option<Poi>, Error> {
        let connection = self.connection();
        let read = || -> rusqlite::Result<Option<(Poi, String)>> {
            let mut poi = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM POI WHERE poi_id = ?1"))?;
            poi.query_row([poi_id], without_ratings).optional()
        };
        let Some((poi, ratings)) = read().map_err(|error| self.wrong(&error))? else { return Ok(None) };
        let poi_ratings = serde_json::from_str(&ratings)
            .map_err(|error| self.wrong(&format!("point {poi_id}, poi_ratings: {error}")))?;
        Ok(Some(Poi { poi_ratings, ..poi }))
    }

    /// All points of a cell.
    ///
    /// # Errors
    ///
    /// As those of [`poi`](Self::poi).
    pub fn pois_of(&self, cell: u32) -> Result<Vec<Poi>, Error> {
        let ids = self.cell(cell)?;
        Ok(ids.into_iter().map(|id| self.poi(id)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// How many points there are, and how many in the fullest cell.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn counts(&self) -> Result<(usize, usize), Error> {
        let most =
            "SELECT COALESCE(SUM(n), 0), COALESCE(MAX(n), 0) FROM (SELECT COUNT(*) AS n FROM POI GROUP BY grid_id)";
        let counts = self.connection().query_row(most, [], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?)));
        counts.map(|(all, most)| (all as usize, most as usize)).map_err(|error| self.wrong(&error))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().expect("nothing panics while it holds this")
    }

    fn wrong(&self, why: &dyn fmt::Display) -> Error {
        Error::Wrong(format!("{}: {why}", self.name))
    }
}

fn without_ratings(row: &Row<'_>) -> rusqlite::Result<(Poi, String)> {
    let poi_ratings = Vec::new();
    let poi =
        Poi { poi_id: row.get(0)?, poi_name: row.get(1)?, poi_address: row.get(2)?, grid_id: row.get(3)?, poi_ratings };
    Ok((poi, row.get(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_has_the_points_of_its_map_also_once_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pois.sqlite");
        let map = Map::synthetic(3);
        Database::create(&path, &map).unwrap();
        let again = Database::open(&path).unwrap();
        for cell in 0..=CELLS + 1 {
            assert_eq!(again.cell(cell).unwrap(), map.cell(cell));
            for poi in again.pois_of(cell).unwrap() {
                assert_eq!(Some(&poi), map.poi(poi.poi_id));
            }
        }
        assert_eq!(again.poi(0).unwrap(), None);
        assert_eq!(again.counts().unwrap(), (map.points(), map.most_points()));
        let refused = Database::create(&path, &map).unwrap_err().to_string();
        assert!(refused.contains("is there already"), "{refused}");
        // Who reads changes nothing.
        assert!(again.replace(&map).is_err());
    }

    #[test]
    fn a_change_is_whole_and_has_another_number() {
        let (one, other) = (Map::synthetic(1), Map::synthetic(2));
        let database = Database::in_memory(&one).unwrap();
        let version = database.version();
        database.replace(&other).unwrap();
        assert_ne!(database.version(), version);
        assert_eq!(database.counts().unwrap(), (other.points(), other.most_points()));
        assert_eq!(database.pois_of(9).unwrap()[0], *other.poi(other.cell(9)[0]).unwrap());
    }

    #[test]
    fn what_is_no_such_database_is_refused_with_the_next_step() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        let refused = |path: &Path| Database::open(path).unwrap_err().to_string();
        assert!(refused(&file).contains("unable to open"), "{}", refused(&file));
        std::fs::write(&file, "no database, but a text that is long enough").unwrap();
        let error = refused(&file);
        assert!(error.contains("not a database") && error.contains("server setup"), "{error}");
        let empty = folder.path().join("empty");
        Connection::open(&empty).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
        assert!(refused(&empty).contains("no such table: POI"), "{}", refused(&empty));
        let broken = folder.path().join("broken");
        Database::create(&broken, &Map::synthetic(1)).unwrap();
        Connection::open(&broken).unwrap().execute("UPDATE POI SET poi_ratings = '[1, ' WHERE poi_id = 7", []).unwrap();
        assert!(refused(&broken).contains("point 7, poi_ratings"), "{}", refused(&broken));
    }
}
