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

-- step 2: moments on both clocks, what is tried again, digests, metrics, history
--
-- Moments ending in _boot_us are on CLOCK_BOOTTIME and hold for the boot in which they were
-- written; their twins are believed after it.  A schema without task.synced was once step 1
-- as well: the name inside the subquery then means the fallback's.
CREATE TABLE task_next (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
  state INTEGER NOT NULL CHECK (state IN (0, 1, 3, 4)),
  durable INTEGER NOT NULL,
  priority REAL NOT NULL,
  hold INTEGER NOT NULL,
  not_before_us INTEGER NOT NULL,
  not_before_boot_us INTEGER NOT NULL,
  deadline_us INTEGER NOT NULL,
  deadline_boot_us INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  streak INTEGER NOT NULL,
  delayed INTEGER NOT NULL,
  suspicion INTEGER NOT NULL,
  intent_name BLOB,
  url TEXT NOT NULL,
  mirror INTEGER NOT NULL,
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
  dedup_key TEXT,
  description TEXT,
  attempts INTEGER NOT NULL,
  resumed_us INTEGER NOT NULL,
  earliest_begin_us INTEGER NOT NULL,
  space_needed INTEGER NOT NULL,
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
  digest_state BLOB,
  integrity BLOB,
  metrics BLOB,
  error_details BLOB,
  transient_details BLOB,
  user_data BLOB,
  error_body BLOB
) STRICT;
INSERT INTO task_next SELECT
  id, session_id, kind, state, durable, priority, hold, not_before_us, 0, deadline_us, 0,
  0, 0, 0, suspicion, intent_name, url, 0, number, uuid, created_us, directory,
  directory_device, directory_inode, name, part_name, if_exists, group_name, NULL,
  description, attempts, resumed_us, 0, 0, intent_device, intent_inode, intent_size,
  received, (SELECT synced FROM task AS own WHERE own.id = task.id), current_url,
  error_name, transient_name, proof, final_path, file_moved, finished_us, options,
  response, NULL, NULL, NULL, error_details, transient_details, user_data, error_body
  FROM task, (SELECT 0 AS synced) AS fallback;
-- Numbers of tasks that are gone are not used again either.
DELETE FROM sqlite_sequence WHERE name = 'task_next';
INSERT INTO sqlite_sequence (name, seq)
  SELECT 'task_next', seq FROM sqlite_sequence WHERE name = 'task';
DROP TABLE task;
ALTER TABLE task_next RENAME TO task;
CREATE INDEX task_page ON task (session_id, id, state);
CREATE INDEX task_group ON task (session_id, group_name) WHERE group_name IS NOT NULL;
CREATE UNIQUE INDEX task_dedup ON task (session_id, dedup_key)
  WHERE dedup_key IS NOT NULL;

ALTER TABLE session ADD COLUMN delivery_next_boot_us INTEGER NOT NULL DEFAULT 0;

-- Parts that outlive their tasks, for whoever bears the token.  taken_by is the task that
-- goes on with the part, while the part does not bear its name yet; 0 for none.
CREATE TABLE resumable (
  task_id INTEGER PRIMARY KEY,
  token TEXT NOT NULL UNIQUE,
  taken_by INTEGER NOT NULL DEFAULT 0,
  confinement TEXT NOT NULL,
  app_id TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  url TEXT NOT NULL,
  synced INTEGER NOT NULL,
  directory BLOB,
  directory_device INTEGER NOT NULL,
  directory_inode INTEGER NOT NULL,
  part_name BLOB,
  options BLOB NOT NULL,
  response BLOB NOT NULL,
  digest_state BLOB
) STRICT;

-- What became of tasks that are gone.  The address is redacted.
CREATE TABLE history (
  task_id INTEGER PRIMARY KEY,
  confinement TEXT NOT NULL,
  app_id TEXT NOT NULL,
  session_identifier TEXT,
  kind INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  finished_us INTEGER NOT NULL,
  received INTEGER NOT NULL,
  url TEXT NOT NULL,
  error_name TEXT,
  final_path BLOB,
  description TEXT
) STRICT;
CREATE INDEX history_time ON history (finished_us);

-- step 3: marks in columns of their own
--
-- task.sent: a request that may not be repeated has gone out (law 12).  untrusted: the part
-- could not be cut to what was synced yet; it was written as a synced below 0.
ALTER TABLE task ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN untrusted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resumable ADD COLUMN created_boot_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resumable ADD COLUMN untrusted INTEGER NOT NULL DEFAULT 0;
UPDATE task SET untrusted = 1, synced = -1 - synced WHERE synced < 0;
UPDATE resumable SET untrusted = 1, synced = -1 - synced WHERE synced < 0;

-- step 4: secrets by reference, challenges, trust
--
-- secrets_id names an item of the keyring: what is secret itself is never here (law 9).
ALTER TABLE session ADD COLUMN secrets_id TEXT;
ALTER TABLE task ADD COLUMN secrets_id TEXT;
-- The challenge the task waits for, or went on by the answer to; 0 for none.
ALTER TABLE task ADD COLUMN challenge_id INTEGER NOT NULL DEFAULT 0;

-- One for each protection space of a session that anything is known of: what was asked,
-- whether it is answered, how often an answer was refused.  facts and answer are a{sv}.
CREATE TABLE challenge (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  space TEXT NOT NULL,
  state INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  opened_us INTEGER NOT NULL,
  deadline_us INTEGER NOT NULL,
  deadline_boot_us INTEGER NOT NULL,
  facts BLOB NOT NULL,
  answer BLOB,
  UNIQUE (session_id, space)
) STRICT;

-- Certificates that the user or the app decided to trust in spite of what is wrong with
-- them.  session_id 0: in every session of the owner.  certificate is its SHA-256.
CREATE TABLE trust (
  confinement TEXT NOT NULL,
  app_id TEXT NOT NULL,
  session_id INTEGER NOT NULL,
  host TEXT NOT NULL,
  port INTEGER NOT NULL,
  is_proxy INTEGER NOT NULL,
  certificate BLOB NOT NULL,
  created_us INTEGER NOT NULL,
  PRIMARY KEY (confinement, app_id, session_id, host, port, is_proxy, certificate)
) STRICT, WITHOUT ROWID;

-- step 5: uploads
--
-- What is sent is in pieces (value/body.h), of which body is the aa{sv}; NULL where nothing
-- is.  body_sent and body_confirmed are of the last attempt.  upload is what the server
-- keeps of it and how it is gone on with, an a{sv}.
ALTER TABLE task ADD COLUMN body_size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN body_sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN body_confirmed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN body BLOB;
ALTER TABLE task ADD COLUMN upload BLOB;
ALTER TABLE resumable ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resumable ADD COLUMN body_size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resumable ADD COLUMN body BLOB;
ALTER TABLE resumable ADD COLUMN upload BLOB;
ALTER TABLE history ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;

-- What the servers of a session speak, by origin: how uploads to them are gone on with.
CREATE TABLE dialect (
  session_id INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  origin TEXT NOT NULL,
  word TEXT NOT NULL,
  learned_us INTEGER NOT NULL,
  PRIMARY KEY (session_id, origin)
) STRICT, WITHOUT ROWID;
