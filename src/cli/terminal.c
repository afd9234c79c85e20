/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Questions to whoever sits at the terminal.  The terminal stays in its line mode: a read
 * gives a whole line, or nothing.  Waiting for it is a source of the main loop, so that a
 * question can be taken back when it was answered elsewhere. */

#include "config.h"

#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct _TrcTerminal
{
  int fd;
};

/* One question. */
typedef struct
{
  GMainLoop *loop;
  gboolean is_ready;
  int signal; /* that ended it; 0: none */
} Question;

TrcTerminal *
trc_terminal_open (void)
{
  int fd = open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  TrcTerminal *self;

  if (fd < 0)
    return NULL;
  /* Who touches the terminal out of the background is stopped. */
  if (tcgetpgrp (fd) != getpgrp ())
    {
      close (fd);
      return NULL;
    }
  self = g_new0 (TrcTerminal, 1);
  self->fd = fd;
  return self;
}

void
trc_terminal_free (TrcTerminal *self)
{
  if (self == NULL)
    return;
  close (self->fd);
  g_free (self);
}

void
trc_terminal_say (TrcTerminal *self, const char *text)
{
  gsize left = strlen (text);

  while (left > 0)
    {
      gssize n = write (self->fd, text, left);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return;
      text += n;
      left -= (gsize)n;
    }
}

/* ---- waiting for a line ---- */

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  Question *question = data;

  question->is_ready = TRUE;
  g_main_loop_quit (question->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  Question *question = data;

  g_main_loop_quit (question->loop);
  return G_SOURCE_CONTINUE;
}

static void
take_signal (Question *question, int number)
{
  question->signal = number;
  g_main_loop_quit (question->loop);
}

static gboolean
on_interrupt (gpointer data)
{
  take_signal (data, SIGINT);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_terminate (gpointer data)
{
  take_signal (data, SIGTERM);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_hang_up (gpointer data)
{
  take_signal (data, SIGHUP);
  return G_SOURCE_CONTINUE;
}

static void
wait_for_line (TrcTerminal *self, Question *question, GCancellable *cancellable)
{
  g_autoptr (GSource) cancelled = g_cancellable_source_new (cancellable);
  guint sources[] = {
    g_unix_fd_add (self->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, question),
    g_unix_signal_add (SIGINT, on_interrupt, question),
    g_unix_signal_add (SIGTERM, on_terminate, question),
    g_unix_signal_add (SIGHUP, on_hang_up, question),
  };

  g_source_set_callback (cancelled, G_SOURCE_FUNC (on_cancelled), question, NULL);
  g_source_attach (cancelled, NULL);
  question->loop = g_main_loop_new (NULL, FALSE);

  g_main_loop_run (question->loop);

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  g_source_destroy (cancelled);
  g_clear_pointer (&question->loop, g_main_loop_unref);
}

/* The line that is ready, or why there is none. */
static TrcSecret *
read_line (TrcTerminal *self, const Question *question, GError **error)
{
  /* The terminal has no longer lines (N_TTY_BUF_SIZE). */
  char buffer[4096];
  TrcSecret *line = NULL;
  gssize n = 0;

  if (!question->is_ready)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("Interrupted"));
      return NULL;
    }
  do
    n = read (self->fd, buffer, sizeof buffer);
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    {
      g_set_error_literal (
          error, G_IO_ERROR, G_IO_ERROR_CLOSED, _ ("Nothing was answered"));
      return NULL;
    }

  line = trc_secret_new (buffer, (gsize)n - (buffer[n - 1] == '\n' ? 1 : 0));
  explicit_bzero (buffer, sizeof buffer);
  return line;
}

/* Shows nothing of what is typed from now on, nor of what was typed before.  No stopping
 * either: whoever stops us gets a terminal that shows nothing. */
static gboolean
hush (TrcTerminal *self, struct termios *out_before, GError **error)
{
  struct termios quiet;

  if (tcgetattr (self->fd, out_before) == 0)
    {
      quiet = *out_before;
      quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
      quiet.c_lflag |= ICANON | ISIG;
      quiet.c_cc[VSUSP] = _POSIX_VDISABLE;
      if (tcsetattr (self->fd, TCSAFLUSH, &quiet) == 0)
        return TRUE;
    }
  g_set_error_literal (
      error, G_IO_ERROR, G_IO_ERROR_FAILED, _ ("The terminal would show what is typed"));
  return FALSE;
}

static TrcSecret *
ask (TrcTerminal *self,
     const char *prompt,
     gboolean is_secret,
     GCancellable *cancellable,
     GError **error)
{
  Question question = { 0 };
  struct termios before;
  TrcSecret *line;

  if (is_secret && !hush (self, &before, error))
    return NULL;

  trc_terminal_say (self, prompt);
  wait_for_line (self, &question, cancellable);
  line = read_line (self, &question, error);
  if (is_secret)
    tcsetattr (self->fd, TCSAFLUSH, &before);
  if (is_secret || line == NULL)
    trc_terminal_say (self, "\n");
  /* What means the whole program does what it always does: nobody handles it any more,
   * and the terminal is as it was. */
  if (question.signal == SIGTERM || question.signal == SIGHUP)
    raise (question.signal);
  return line;
}

char *
trc_terminal_ask (TrcTerminal *self,
                  const char *prompt,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autoptr (TrcSecret) line = ask (self, prompt, FALSE, cancellable, error);

  return line != NULL ? g_strdup (line->bytes) : NULL;
}

TrcSecret *
trc_terminal_ask_secret (TrcTerminal *self,
                         const char *prompt,
                         GCancellable *cancellable,
                         GError **error)
{
  return ask (self, prompt, TRUE, cancellable, error);
}
