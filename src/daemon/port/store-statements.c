/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The SQL of the store.  Parameters and columns are in the order in which the functions
 * that bind and read them go. */

#include "config.h"

#include "port/store-private.h"

/* Written once; bind_identity(), read_identity(). */
#define IDENTITY_COLUMNS                                                                 \
  "session_id, number, uuid, kind, directory, directory_device, directory_inode, name, " \
  "if_exists, dedup_key, created_us, body, body_size"

/* May change; bind_standing(), read_standing(). */
#define STANDING_COLUMNS                                                                 \
  "part_name, url, options, durable, earliest_begin_us, priority, description, "         \
  "user_data, group_name, state, hold, not_before_us, not_before_boot_us, deadline_us, " \
  "deadline_boot_us, failures, streak, delayed, mirror, space_needed, attempts, "        \
  "suspicion, resumed_us, sent, secrets_id, challenge_id"
#define RESULT_COLUMNS                                                                   \
  "intent_name, intent_device, intent_inode, intent_size, received, synced, "            \
  "untrusted, current_url, response, error_name, error_details, transient_name, "        \
  "transient_details, error_body, "                                                      \
  "proof, digest_state, integrity, metrics, body_sent, body_confirmed, upload, "         \
  "final_path, file_moved, finished_us"

#define TASK_COLUMNS "id, " IDENTITY_COLUMNS ", " STANDING_COLUMNS ", " RESULT_COLUMNS

/* Parts that outlive their tasks; store-resumable.c. */
#define RESUMABLE_COLUMNS                                                                \
  "task_id, token, taken_by, confinement, app_id, created_us, created_boot_us, url, "    \
  "synced, untrusted, directory, directory_device, directory_inode, part_name, "         \
  "options, response, digest_state, kind, body, body_size, upload"

/* What became of tasks that are gone; store-history.c. */
#define HISTORY_COLUMNS                                                                  \
  "task_id, confinement, app_id, session_identifier, kind, created_us, finished_us, "    \
  "received, url, error_name, final_path, description, sent"

const char *const trd_store_statements[TRD_N_STATEMENTS] = {
  [TRD_STATEMENT_INSERT_SESSION]
  = "INSERT INTO session (identifier, state, configuration, launches, secrets_id, "
    "confinement, app_id, created_us, last_sequence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
  /* The counters are the store's own: a row read earlier must not turn them back. */
  [TRD_STATEMENT_UPDATE_SESSION]
  = "UPDATE session SET identifier = ?, state = ?, configuration = ?, launches = ?, "
    "secrets_id = ? WHERE id = ?",
  [TRD_STATEMENT_DELETE_SESSION] = "DELETE FROM session WHERE id = ?",
  [TRD_STATEMENT_LOAD_SESSIONS]
  = "SELECT id, confinement, app_id, identifier, state, configuration, last_sequence, "
    "created_us, secrets_id FROM session ORDER BY id",
  [TRD_STATEMENT_NEXT_NUMBER] = "SELECT last_number + 1 FROM session WHERE id = ?",
  [TRD_STATEMENT_SET_NUMBER] = "UPDATE session SET last_number = ?2 WHERE id = ?1",
  [TRD_STATEMENT_NEXT_SEQUENCE] = "SELECT last_sequence + 1 FROM session WHERE id = ?",
  [TRD_STATEMENT_SET_SEQUENCE] = "UPDATE session SET last_sequence = ?2 WHERE id = ?1",
  [TRD_STATEMENT_SET_DELIVERY]
  = "UPDATE session SET delivery_tries = ?, delivery_next_us = ?, "
    "delivery_next_boot_us = ? WHERE id = ?",
  [TRD_STATEMENT_GET_DELIVERY]
  = "SELECT delivery_tries, delivery_next_us, delivery_next_boot_us FROM session "
    "WHERE id = ?",

  [TRD_STATEMENT_INSERT_TASK] = "INSERT INTO task (" IDENTITY_COLUMNS
                                ", " STANDING_COLUMNS ", " RESULT_COLUMNS
                                ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                                "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                                "?, ?, ?, ?, ?, ?, "
                                "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                                "?, ?, ?, ?, ?, ?, ?, ?)",
  [TRD_STATEMENT_UPDATE_TASK]
  = "UPDATE task SET (" STANDING_COLUMNS ", " RESULT_COLUMNS
    ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "WHERE id = ?",
  [TRD_STATEMENT_SET_TASK_MOMENTS]
  = "UPDATE task SET not_before_us = ?, not_before_boot_us = ?, deadline_us = ?, "
    "deadline_boot_us = ? WHERE id = ?",
  [TRD_STATEMENT_SET_TASK_SYNCED]
  = "UPDATE task SET synced = ?, untrusted = 0 WHERE id = ?",
  [TRD_STATEMENT_SET_TASK_DIGESTED]
  = "UPDATE task SET synced = ?, untrusted = 0, digest_state = ? WHERE id = ?",
  [TRD_STATEMENT_SET_TASK_SECRETS]
  = "UPDATE task SET secrets_id = ?, durable = 1 WHERE id = ?",
  [TRD_STATEMENT_LOAD_TASK] = "SELECT " TASK_COLUMNS " FROM task WHERE id = ?",
  [TRD_STATEMENT_DELETE_TASK] = "DELETE FROM task WHERE id = ?",
  [TRD_STATEMENT_EACH_BRIEF]
  = "SELECT id, session_id, kind, state, durable, priority, hold, not_before_us, "
    "not_before_boot_us, deadline_us, deadline_boot_us, failures, streak, delayed, "
    "suspicion, intent_name IS NOT NULL, url, mirror, "
    "earliest_begin_us, attempts > 0 OR received > 0, challenge_id, secrets_id "
    "FROM task ORDER BY id",
  /* All conditions but kind are decided in the index task_page. */
  [TRD_STATEMENT_LIST_TASKS]
  = "SELECT " TASK_COLUMNS " FROM task INDEXED BY task_page "
    "WHERE session_id = ?1 AND id > ?2 AND (?3 = 0 OR ((?3 >> state) & 1)) "
    "AND (?4 < 0 OR kind = ?4) ORDER BY id LIMIT ?5",
  [TRD_STATEMENT_LIST_GROUP]
  = "SELECT " TASK_COLUMNS " FROM task INDEXED BY task_group "
    "WHERE session_id = ?1 AND id > ?2 AND (?3 = 0 OR ((?3 >> state) & 1)) "
    "AND (?4 < 0 OR kind = ?4) AND group_name = ?6 ORDER BY id LIMIT ?5",
  [TRD_STATEMENT_COUNT_TASKS]
  = "SELECT total (state = 0), total (state = 1), total (state = 3), "
    "total (state = 4) FROM task INDEXED BY task_page WHERE session_id = ?",
  /* One that has ended (4) without an error has sent it. */
  [TRD_STATEMENT_LIST_BODIES]
  = "SELECT body FROM task WHERE body IS NOT NULL "
    "AND (state <> 4 OR error_name IS NOT NULL) "
    "UNION ALL SELECT body FROM resumable WHERE body IS NOT NULL",
  [TRD_STATEMENT_FIND_DEDUP]
  = "SELECT id FROM task INDEXED BY task_dedup WHERE session_id = ? AND dedup_key = ?",

  [TRD_STATEMENT_APPEND_EVENT]
  = "INSERT INTO event (session_id, sequence, task_id, kind, offered, created_us, "
    "details) VALUES (?, ?, ?, ?, ?, ?, ?)",
  [TRD_STATEMENT_LIST_EVENTS]
  = "SELECT session_id, sequence, task_id, kind, offered, created_us, details "
    "FROM event WHERE session_id = ? AND sequence > ? ORDER BY sequence LIMIT ?",
  [TRD_STATEMENT_COUNT_EVENTS] = "SELECT count (*) FROM event WHERE session_id = ?",
  [TRD_STATEMENT_MARK_OFFERED] = "UPDATE event SET offered = 1 WHERE session_id = ? "
                                 "AND sequence <= ? AND NOT offered",
  [TRD_STATEMENT_WITHDRAW_FINISHED]
  = "DELETE FROM event INDEXED BY event_finished WHERE task_id = ? AND kind = 0",
  /* A task that was retried is not forgotten before its last end was heard of. */
  [TRD_STATEMENT_FIND_COMPLETED]
  = "SELECT " TASK_COLUMNS " FROM task WHERE id IN (SELECT task_id FROM event "
    "WHERE session_id = ?1 AND sequence <= ?2 AND kind = 0) AND state = 4 "
    "AND NOT EXISTS (SELECT 1 FROM event AS later INDEXED BY event_finished "
    "WHERE later.task_id = task.id AND later.kind = 0 AND later.sequence > ?2) "
    "ORDER BY id",
  [TRD_STATEMENT_DELETE_EVENTS]
  = "DELETE FROM event WHERE session_id = ? AND sequence <= ?",

  /* Launches of the future were noted in an earlier boot. */
  [TRD_STATEMENT_PRUNE_LAUNCHES] = "DELETE FROM launch WHERE at_us < ? OR at_us > ?",
  [TRD_STATEMENT_NOTE_LAUNCH] = "INSERT INTO launch (owner_key, at_us) VALUES (?, ?)",
  [TRD_STATEMENT_COUNT_LAUNCHES]
  = "SELECT count (*), min (at_us) FROM launch WHERE owner_key = ? AND at_us >= ?",

  [TRD_STATEMENT_INSERT_RESUMABLE]
  = "INSERT OR REPLACE INTO resumable (" RESUMABLE_COLUMNS
    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
    "?, ?, ?, ?, ?, ?, ?, ?)",
  [TRD_STATEMENT_UPDATE_RESUMABLE]
  = "UPDATE resumable SET taken_by = ?, created_boot_us = ?, synced = ?, untrusted = ?, "
    "response = ?, digest_state = ? WHERE task_id = ?",
  [TRD_STATEMENT_DELETE_RESUMABLE] = "DELETE FROM resumable WHERE task_id = ?",
  [TRD_STATEMENT_LOAD_RESUMABLE] = "SELECT " RESUMABLE_COLUMNS
                                   " FROM resumable WHERE task_id = ?",
  [TRD_STATEMENT_FIND_RESUMABLE] = "SELECT " RESUMABLE_COLUMNS
                                   " FROM resumable WHERE token = ?",
  [TRD_STATEMENT_HAS_RESUMABLE] = "SELECT 1 FROM resumable WHERE task_id = ?",
  [TRD_STATEMENT_LIST_RESUMABLE]
  = "SELECT " RESUMABLE_COLUMNS
    " FROM resumable WHERE ?1 OR taken_by <> 0 ORDER BY task_id",

  [TRD_STATEMENT_INSERT_CHALLENGE]
  = "INSERT INTO challenge (session_id, space, state, failures, generation, opened_us, "
    "deadline_us, deadline_boot_us, facts, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  [TRD_STATEMENT_UPDATE_CHALLENGE]
  = "UPDATE challenge SET state = ?, failures = ?, generation = ?, opened_us = ?, "
    "deadline_us = ?, deadline_boot_us = ?, facts = ?, answer = ? WHERE id = ?",
  [TRD_STATEMENT_INSERT_TRUST]
  = "INSERT OR REPLACE INTO trust (confinement, app_id, session_id, host, port, "
    "is_proxy, certificate, created_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  /* The newest, in an order that does not change. */
  [TRD_STATEMENT_LIST_TRUST]
  = "SELECT * FROM (SELECT session_id, host, port, is_proxy, certificate, "
    "created_us FROM trust "
    "WHERE confinement = ?1 AND app_id = ?2 AND session_id IN (0, ?3) "
    "AND (?4 IS NULL OR host = ?4 AND port = ?5 AND is_proxy = ?6) "
    "ORDER BY created_us DESC LIMIT ?7) "
    "ORDER BY host, port, is_proxy, certificate, session_id",
  [TRD_STATEMENT_DELETE_TRUST]
  = "DELETE FROM trust WHERE confinement = ?1 AND app_id = ?2 "
    "AND session_id IN (0, ?3) AND host = ?4 AND port = ?5 AND is_proxy = ?6",
  [TRD_STATEMENT_FORGET_TRUST] = "DELETE FROM trust WHERE session_id = ?",
  [TRD_STATEMENT_FIND_DIALECT]
  = "SELECT word, learned_us FROM dialect WHERE session_id = ? AND origin = ?",
  [TRD_STATEMENT_PUT_DIALECT]
  = "INSERT OR REPLACE INTO dialect (session_id, origin, word, learned_us) "
    "VALUES (?, ?, ?, ?)",
  [TRD_STATEMENT_PRUNE_DIALECTS]
  = "DELETE FROM dialect WHERE session_id = ?1 AND (learned_us < ?2 OR origin IN "
    "(SELECT origin FROM dialect WHERE session_id = ?1 ORDER BY learned_us DESC, origin "
    "LIMIT -1 OFFSET ?3))",
  [TRD_STATEMENT_FORGET_DIALECTS] = "DELETE FROM dialect WHERE session_id = ?",
  [TRD_STATEMENT_DELETE_CHALLENGE] = "DELETE FROM challenge WHERE id = ?",
  [TRD_STATEMENT_LIST_CHALLENGES]
  = "SELECT id, session_id, space, state, failures, generation, opened_us, deadline_us, "
    "deadline_boot_us, facts, answer FROM challenge ORDER BY id",

  [TRD_STATEMENT_RAISE_NUMBER]
  = "UPDATE sqlite_sequence SET seq = max (seq, ?2) WHERE name = ?1",
  [TRD_STATEMENT_ADD_NUMBER]
  = "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2 WHERE NOT EXISTS "
    "(SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
  [TRD_STATEMENT_HOLDS_NOTHING]
  = "SELECT NOT EXISTS (SELECT 1 FROM task) AND NOT EXISTS (SELECT 1 FROM event) "
    "AND NOT EXISTS (SELECT 1 FROM resumable)",

  /* INSERT OR REPLACE: what an earlier end of a number was is of no interest. */
  [TRD_STATEMENT_NOTE_HISTORY]
  = "INSERT OR REPLACE INTO history (" HISTORY_COLUMNS ") SELECT ?2, confinement, "
    "app_id, identifier, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM session WHERE id = ?1",
  [TRD_STATEMENT_FORGET_SESSION]
  = "SELECT id, session_id, kind, created_us, finished_us, received, state, url, "
    "final_path, error_name, description, body_sent FROM task INDEXED BY task_page "
    "WHERE session_id = ? ORDER BY id",
  [TRD_STATEMENT_OLDEST_HISTORY]
  = "SELECT finished_us FROM history ORDER BY finished_us DESC LIMIT 1 OFFSET ?",
  [TRD_STATEMENT_PRUNE_HISTORY] = "DELETE FROM history WHERE finished_us < ?",
  [TRD_STATEMENT_LIST_HISTORY]
  = "SELECT " HISTORY_COLUMNS " FROM history WHERE task_id > ?1 "
    "AND (?2 IS NULL OR app_id = ?2) ORDER BY finished_us DESC, task_id DESC LIMIT ?3",
  [TRD_STATEMENT_CLEAR_HISTORY]
  = "DELETE FROM history WHERE task_id > ?1 AND (?2 IS NULL OR app_id = ?2)",
  [TRD_STATEMENT_ATTACH] = "ATTACH ? AS other",

  /* A retired session (2) never launches.  What is asked for (0, 1) may have come into
   * the keyring, or not have come in time. */
  [TRD_STATEMENT_HAS_WORK]
  = "SELECT EXISTS (SELECT 1 FROM task WHERE state = 1) OR EXISTS "
    "(SELECT 1 FROM challenge WHERE state IN (0, 1)) OR EXISTS "
    "(SELECT 1 FROM session WHERE launches AND state <> 2 AND EXISTS "
    "(SELECT 1 FROM event WHERE event.session_id = session.id))",
};
