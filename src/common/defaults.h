/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Every number of the service's behaviour that nobody gave, in one place.  Units are in
 * the names; what carries none is a count or bytes. */

#define TRD_SECOND_US G_TIME_SPAN_SECOND

/* Live progress, worker to daemon and daemon to app. */
#define TRD_PROGRESS_INTERVAL_MS 250

#define TRD_MAX_REDIRECTS 20
#define TRD_SLOTS_PER_HOST 6
#define TRD_SLOTS_PER_APP 8
#define TRD_SLOTS_TOTAL 16

#define TRD_REQUEST_TIMEOUT_MS (60 * 1000)
#define TRD_CONNECT_TIMEOUT_MS (30 * 1000)
/* Until the answer to an upload begins: the server may have to work on what it got. */
#define TRD_UPLOAD_ANSWER_TIMEOUT_MS (G_GUINT64_CONSTANT (10) * 60 * 1000)
#define TRD_RESOURCE_TIMEOUT_MS (G_GUINT64_CONSTANT (7) * 24 * 3600 * 1000)

/* What a server asks for by Retry-After is heeded within these bounds. */
#define TRD_RETRY_AFTER_MIN_US (1 * TRD_SECOND_US)
#define TRD_RETRY_AFTER_MAX_US (G_GINT64_CONSTANT (24) * 3600 * TRD_SECOND_US)

/* Attempts in a row that may end so; the numbers of `retry` are in the vocabulary. */
#define TRD_HOST_NOT_FOUND_MAX 10
#define TRD_PROTOCOL_ERRORS_MAX 3
#define TRD_INTEGRITY_FAILURES_MAX 2

/* When the network comes back, what backed off is tried again within this time, not all
 * of it at once. */
#define TRD_NETWORK_UP_SPREAD_US (3 * TRD_SECOND_US / 2)

/* No wait for another attempt is longer. */
#define TRD_WAIT_MAX_US (24 * 3600 * TRD_SECOND_US)

/* Waits for something outside that cannot be watched are looked at this often. */
#define TRD_RECHECK_MIN_US (5 * TRD_SECOND_US)
#define TRD_RECHECK_MAX_US (60 * TRD_SECOND_US)

#define TRD_PRIORITY 0.5
#define TRD_USER_DATA_MAX (64 * 1024)
#define TRD_ERROR_BODY_MAX (64 * 1024)
#define TRD_FDS_PER_CALL_MAX 16

/* A call that brings secrets waits so long for the keyring at most. */
#define TRD_SECRETS_TIMEOUT_US (10 * TRD_SECOND_US)

/* Credentials in memory, and spaces of a session that are remembered as rejected. */
#define TRD_CREDENTIALS_PER_SESSION_MAX 100
#define TRD_CREDENTIALS_PER_OWNER_MAX 1000
#define TRD_REJECTED_MAX 100

/* Servers of sessions that are remembered as looked up in the keyring. */
#define TRD_CREDENTIALS_LOOKED_MAX 1000

/* A secret that is read from a descriptor. */
#define TRD_SECRET_FD_MAX (64 * 1024)
#define TRD_SECRET_FD_TIMEOUT_US (10 * TRD_SECOND_US)

/* A part that could be gone on with outlives its task by so long. */
#define TRD_RESUME_DATA_KEPT_US (7 * 24 * 3600 * TRD_SECOND_US)

/* Cookies are written to the keyring so long after they have changed; one that only lives
 * longer than before waits. The end of the service waits for it so long. */
#define TRD_COOKIES_KEPT_US (3 * TRD_SECOND_US)
#define TRD_COOKIES_EXTENDED_KEPT_US (300 * TRD_SECOND_US)
#define TRD_COOKIES_FLUSH_US (2 * TRD_SECOND_US)

/* Waking an app. */
#define TRD_LAUNCH_COALESCE_US (2 * TRD_SECOND_US)
#define TRD_LAUNCH_SIGNAL_INTERVAL_US (2 * TRD_SECOND_US)
#define TRD_LAUNCH_SIGNALS_MAX 5
#define TRD_LAUNCH_LEASE_US (60 * TRD_SECOND_US)
#define TRD_LAUNCHES_PER_HOUR 60
#define TRD_LAUNCH_REST_MAX_US (3600 * TRD_SECOND_US)

/* Leaving. */
#define TRD_WORKER_IDLE_MS (30 * 1000)
#define TRD_DAEMON_IDLE_MS (30 * 1000)

/* A worker that exceeds one of these is a violator and is killed. */
#define TRD_WORKER_UNHANDLED_MAX 1000
#define TRD_WORKER_MESSAGE_MAX (1024 * 1024)

/* Of the hops of an attempt, and of those of a task, so many are told: the first ones and
 * the last. */
#define TRD_TRANSACTIONS_MAX 24
#define TRD_TRANSACTIONS_FIRST 4

/* A worker that does not say Hello in this time is killed; one that was told to leave, or
 * got SIGTERM, in the other. */
#define TRD_WORKER_ANSWER_MS (10 * 1000)
#define TRD_WORKER_LINGER_MS (2 * 1000)

/* So is one that does not answer Stop, which may have to wait for the disk: two sync
 * intervals take most of a minute on a slow stick. */
#define TRD_WORKER_STOP_MS (2 * 60 * 1000)

/* How often a worker with attempts is asked whether it still turns, and the silence for
 * which it is taken for a violator: a write to a slow disk may hold it up for long. */
#define TRD_WORKER_PING_MS (30 * 1000)
#define TRD_WORKER_SILENCE_MS (2 * 60 * 1000)

/* Wait before the next worker is started, doubling with each that came to nothing. */
#define TRD_WORKER_PAUSE_FIRST_MS 1000
#define TRD_WORKER_PAUSE_MAX_MS (60 * 1000)

/* What nobody collects is kept so long, and what became of tasks that are gone is
 * remembered so long and for so many of them, unless the user has set it otherwise. */
#define TRD_RESULTS_DAYS 30
#define TRD_HISTORY_DAYS 90
#define TRD_HISTORY_TASKS 1000

/* A part is synced each time it has grown by this much. */
#define TRD_SYNC_INTERVAL (G_GUINT64_CONSTANT (64) * 1024 * 1024)

/* What is to be sent is copied when it is no larger and shares no blocks, unless the app
 * says otherwise. */
#define TRD_SNAPSHOT_COPY_MAX (G_GUINT64_CONSTANT (64) * 1024 * 1024)

/* A pipe that is to be sent and says nothing for so long is given up. */
#define TRD_SOURCE_IDLE_MS (60 * 1000)

/* Sources that are read at the same time; the others wait. */
#define TRD_SOURCES_MAX 64
