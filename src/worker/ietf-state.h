/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "common/error.h"
#include "dialect.h"
#include "ietf.h"

typedef enum
{
  TRW_IETF_CREATE,
  TRW_IETF_CREATE_EMPTY, /* the place first: the body is too large to go along */
  TRW_IETF_LOOK,         /* how far the server is */
  TRW_IETF_APPEND,
  TRW_IETF_REPLAY, /* the answer once more, which was lost */
  TRW_IETF_CANCEL, /* the attempt fails whatever this is answered */
} TrwIetfStage;

typedef struct
{
  TrwUpload *upload;             /* (unowned), outlives us */
  const TrwIetfVersion *version; /* (unowned), static */
  TrwIetfStage stage;
  guint64 offset; /* of what is sent now */
  guint64 length;
  gboolean is_last;

  GUri *place;          /* (owned) (nullable): where the upload is */
  GUri *detour;         /* (owned) (nullable): where the place led to */
  guint place_hop;      /* of a question, that said so; 0 for another question */
  gint64 expires_us;    /* realtime; 0 unknown */
  TrwIetfLimits limits; /* as they were said last */

  gboolean has_learned; /* what the server speaks */
  gboolean has_lost;    /* an answer, in this attempt */
  gboolean has_no_replay;
  guint n_conflicts;
  GError *error; /* (owned) (nullable): that the attempt is to end with */
} TrwIetfState;

/* @place: (nullable): of an earlier attempt. */
TrwIetfState *
trw_ietf_state_new (TrwUpload *upload, GVariant *place);
void
trw_ietf_state_free (TrwIetfState *self);

/* The daemon hears where the upload is. */
void
trw_ietf_state_tell_place (TrwIetfState *self);

/* What the server speaks: @word (static). */
void
trw_ietf_state_learn (TrwIetfState *self, const char *word);
/* It has done what it was asked, and has not said a word of the draft: it knows none, or
 * another version, for which it is asked next time. */
void
trw_ietf_state_learn_silence (TrwIetfState *self);
/* It had not said a word until the connection was lost, @n_sent bytes of the body being
 * out: that may be so with one that would have, and all versions have their turn. */
void
trw_ietf_state_learn_early_silence (TrwIetfState *self, guint64 n_sent);

/* The attempt is to end with it; the first one counts. */
void
trw_ietf_state_set_error (TrwIetfState *self, TrundleError code, const char *message);

/* The next question is how far the server is. */
void
trw_ietf_state_look (TrwIetfState *self);
/* Nothing of the body is sent any more; where some is kept, it is let go. */
void
trw_ietf_state_give_up (TrwIetfState *self);

gboolean
trw_ietf_state_is_creating (const TrwIetfState *self);
/* Whether the request in flight is larger than it may be, and there is another way. */
gboolean
trw_ietf_state_is_oversized (const TrwIetfState *self);

/* Words of an answer.  TRUE: something new of the place; an error may be set. */
gboolean
trw_ietf_state_take_location (TrwIetfState *self, const TrwReply *reply);
gboolean
trw_ietf_state_take_limits (TrwIetfState *self, const TrwIetfWords *words);
/* TRUE: it can be so; else an error is set. */
gboolean
trw_ietf_state_take_offset (TrwIetfState *self, guint64 offset);
/* A request that was led elsewhere, or asked again with a credential, is another. */
void
trw_ietf_state_drop_stale_place (TrwIetfState *self, const TrwReply *reply);
