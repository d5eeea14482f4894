# SQL: SQLite compiled privately into the same library.
