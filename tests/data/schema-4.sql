-- SPDX-FileCopyrightText: 2026 The Trundle authors
-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- A database of version 4.

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
CREATE TABLE launch (
  owner_key TEXT NOT NULL,
  at_us INTEGER NOT NULL
) STRICT;
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
, created_boot_us INTEGER NOT NULL DEFAULT 0, untrusted INTEGER NOT NULL DEFAULT 0) STRICT;
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
, delivery_next_boot_us INTEGER NOT NULL DEFAULT 0, secrets_id TEXT) STRICT;
CREATE TABLE "task" (
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
, sent INTEGER NOT NULL DEFAULT 0, untrusted INTEGER NOT NULL DEFAULT 0, secrets_id TEXT, challenge_id INTEGER NOT NULL DEFAULT 0) STRICT;
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
CREATE UNIQUE INDEX session_name ON session (confinement, app_id, identifier)
  WHERE identifier IS NOT NULL;
CREATE INDEX event_finished ON event (task_id) WHERE kind = 0;
CREATE INDEX launch_time ON launch (owner_key, at_us);
CREATE INDEX task_page ON task (session_id, id, state);
CREATE INDEX task_group ON task (session_id, group_name) WHERE group_name IS NOT NULL;
CREATE UNIQUE INDEX task_dedup ON task (session_id, dedup_key)
  WHERE dedup_key IS NOT NULL;
CREATE INDEX history_time ON history (finished_us);
INSERT INTO event VALUES (3, 7, 21, 0, 1, 1700000000000004, x'726561736f6e0000646f6e650000730710');
INSERT INTO event VALUES (3, 9, 22, 0, 0, 1700000000000005, x'6572726f72000000487474705374617475730000730600006572726f722d64657461696c730000007374617475730000940100000075070f00617b73767d0e163f');
INSERT INTO event VALUES (11, 4611686018427387904, 0, 3, 0, 2, x'');
INSERT INTO history VALUES (2, 'host', 'org.example.App', 'main', 0, 5, 6, 7, 'https://example.org/h?…', NULL, x'2f686f6d652f752f68ff', 'd');
INSERT INTO history VALUES (4, 'host', 'org.example.App', NULL, 1, 8, 9, 0, 'https://example.org/i', 'Cancelled', NULL, NULL);
INSERT INTO launch VALUES ('host:org.example.App', 1700000000000006);
INSERT INTO launch VALUES ('host:org.example.App', 1700000000000007);
INSERT INTO resumable VALUES (12, 'tttttttttttttttttttttttttttttttt', 19, 'host', 'org.example.App', 1700000000000300, 'https://example.org/r', 77, x'2f686f6d652f75', 1, 2, x'2e7472756e646c652d31322d303132333435363738396162636465662e70617274', x'', x'7374617475730000c80000000075070f', x'73686132353600007800006179070e', 99, 1);
INSERT INTO session VALUES (3, 'host', 'org.example.App', 'main', 0, 1, 1700000000000001, 7, 9, 2, 1700000000000002, x'6170702d696400006f72672e6578616d706c652e4170700000730700000000007072696f726974790000000000000000000000000000d03f0064091b3b', 0, NULL);
INSERT INTO session VALUES (5, 'flatpak', 'org.example.Box', 'närrisch', 1, 0, 1700000000000003, 1, 0, 0, 0, x'', 0, NULL);
INSERT INTO session VALUES (11, 'host', 'host', NULL, 2, 1, 1, 2, 4611686018427387904, 0, 0, x'73656e64732d6c61756e63682d6576656e74730000000000000062141c', 0, '5e55');
INSERT INTO task VALUES (19, 3, 0, 0, 1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 'https://example.org/a', 0, 3, '00000000-0000-4000-8000-000000000019', 1700000000000010, NULL, 0, 0, NULL, NULL, 0, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, x'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0);
INSERT INTO task VALUES (20, 3, 0, 1, 0, 0.125, 64, 1700000000000100, 123, 1700604800000100, 456, 3, 2, 1, 1, NULL, 'https://example.org/däta?x=1', 1, 4, '00000000-0000-4000-8000-000000000020', 1700000000000010, x'2f746d702ffffe', -3, -4, x'636166e92e62696e', x'2e7472756e646c652d32302d303132333435363738396162636465662e70617274', 2, 'g', 'k', 'Ein Täst', 5, 1700000000000011, 1700000000000400, 99, 0, 0, 0, 0, 4096, 'https://cdn.example.org/d', NULL, 'ConnectionLost', NULL, NULL, 0, 0, x'6d6574686f64000047455400007307006865616465727300416363657074002a2f2a00070c006128737329080f2c', x'7374617475730000ce000000007507006574616700000000227822000073050f1f', x'73686132353600007900006179070e', NULL, x'', NULL, x'6d65737361676500676f6e650000730810', x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', NULL, 1, 0, NULL, 0);
INSERT INTO task VALUES (21, 3, 0, 4, 1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, x'3231', 'https://example.org/a', 0, 5, '00000000-0000-4000-8000-000000000021', 1700000000000010, NULL, 0, 0, NULL, NULL, 0, NULL, NULL, NULL, 1, 3, 0, 0, 5, 6, 123456789012, 123456789012, 123456789012, NULL, NULL, NULL, 'content-length', NULL, 0, 1700000000000200, x'', x'7374617475730000c80000000075070f', NULL, x'73686132353600007a00006179070e', NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0);
INSERT INTO task VALUES (22, 3, 0, 4, 1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 2, NULL, 'https://example.org/a', 0, 6, '00000000-0000-4000-8000-000000000022', 1700000000000010, NULL, 0, 0, NULL, NULL, 0, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 'HttpStatus', NULL, NULL, NULL, 0, 1700000000000201, x'', NULL, NULL, NULL, NULL, x'7374617475730000940100000075070f', NULL, NULL, x'3c68746d6c3e', 0, 0, NULL, 0);
INSERT INTO task VALUES (23, 3, 0, 4, 1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 'https://example.org/a', 0, 7, '00000000-0000-4000-8000-000000000023', 1700000000000010, x'2f686f6d652f75', 1, 2, x'66', NULL, 1, 'g', NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, x'2f686f6d652f752f66', 1, 1700000000000202, x'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0);
INSERT INTO task VALUES (30, 5, 1, 3, 1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 'https://example.org/a', 0, 1, '00000000-0000-4000-8000-000000000030', 1700000000000010, NULL, 0, 0, NULL, NULL, 0, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, x'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0);
INSERT INTO task VALUES (31, 11, 0, 0, 1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 'https://example.org/a', 0, 2, '00000000-0000-4000-8000-000000000031', 1700000000000010, NULL, 0, 0, NULL, NULL, 0, NULL, NULL, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, x'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, '7a5c', 3);
INSERT INTO challenge VALUES (3, 11, 'https://example.org:443 basic Realm', 0, 1, 2, 1700000000000000, 0, 0, x'', NULL);
INSERT INTO trust VALUES ('host', 'org.example.App', 0, 'example.org', 443, 0, x'abababababababababababababababababababababababababababababababab', 1700000000000000);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES ('session', 17);
INSERT INTO sqlite_sequence VALUES ('task', 42);
INSERT INTO sqlite_sequence VALUES ('challenge', 3);
PRAGMA user_version = 4;
