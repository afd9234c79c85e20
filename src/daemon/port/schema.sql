-- SPDX-FileCopyrightText: 2026 The Trundle authors
-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- The schema as the steps that lead to it, forward only.  The n-th line that begins with
-- "-- step" opens the step to user_version n.  A step that was ever released is never
-- changed: add another.
--
-- Enumerations are stored by number; store-tasks.c asserts the numbers.  Names and paths of
-- files are blobs, since they are bytes and need not be UTF-8.  Dictionaries are a{sv} in
-- GVariant's little-endian normal form.  Times are realtime microseconds, 0 for never.

-- step 1: sessions, tasks, events, launches
CREATE TABLE session (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  confinement TEXT NOT NULL,
  app_id TEXT NOT NULL,
  identifier TEXT,
  state INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
  launches INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  last_number INTEGER NOT NULL DEFAULT 0,
  last_sequence INTEGER NOT NULL DEFAULT 0,
  delivery_tries INTEGER NOT NULL DEFAULT 0,
  delivery_next_us INTEGER NOT NULL DEFAULT 0,
  configuration BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX session_name ON session (confinement, app_id, identifier)
  WHERE identifier IS NOT NULL;

-- Columns that are read most come first, and those that may be long last, so that reading
-- the former never touches an overflow page.  State 2 (running) is never stored.
CREATE TABLE task (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
  state INTEGER NOT NULL CHECK (state IN (0, 1, 3, 4)),
  durable INTEGER NOT NULL,
  priority REAL NOT NULL,
  hold INTEGER NOT NULL,
  not_before_us INTEGER NOT NULL,
  deadline_us INTEGER NOT NULL,
  suspicion INTEGER NOT NULL,
  intent_name BLOB,
  url TEXT NOT NULL,
  number INTEGER NOT NULL,
  uuid TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  directory BLOB,
  directory_device INTEGER NOT NULL,
  directory_inode INTEGER NOT NULL,
  name BLOB,
  part_name BLOB,
  if_exists INTEGER NOT NULL CHECK (if_exists IN (0, 1, 2)),
  group_name TEXT,
  description TEXT,
  attempts INTEGER NOT NULL,
  resumed_us INTEGER NOT NULL,
  intent_device INTEGER NOT NULL,
  intent_inode INTEGER NOT NULL,
  intent_size INTEGER NOT NULL,
  received INTEGER NOT NULL,
  synced INTEGER NOT NULL,
  current_url TEXT,
  error_name TEXT,
  transient_name TEXT,
  proof TEXT,
  final_path BLOB,
  file_moved INTEGER NOT NULL,
  finished_us INTEGER NOT NULL,
  options BLOB NOT NULL,
  response BLOB,
  error_details BLOB,
  transient_details BLOB,
  user_data BLOB,
  error_body BLOB
) STRICT;
-- Serves pages in order of id, filters by state without looking at rows, and counts.
CREATE INDEX task_page ON task (session_id, id, state);
CREATE INDEX task_group ON task (session_id, group_name) WHERE group_name IS NOT NULL;

-- No reference to task: what is to be told outlives it.
CREATE TABLE event (
  session_id INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  task_id INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  offered INTEGER NOT NULL DEFAULT 0,
  created_us INTEGER NOT NULL,
  details BLOB NOT NULL,
  PRIMARY KEY (session_id, sequence)
) STRICT, WITHOUT ROWID;
-- Kind 0 is TaskFinished.
CREATE INDEX event_finished ON event (task_id) WHERE kind = 0;

CREATE TABLE launch (
  owner_key TEXT NOT NULL,
  at_us INTEGER NOT NULL
) STRICT;
CREATE INDEX launch_time ON launch (owner_key, at_us);
