# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real parts that the system tests are made of: bus, daemon, servers, client, app."""
