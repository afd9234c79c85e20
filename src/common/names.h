/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* The names under which Trundle is known on the bus.  They are API. */

#define TRUNDLE_BUS_NAME "org.freedesktop.BackgroundTransfer1"

/* The same service under a name that Flatpak's default policy lets every app call. */
#define TRUNDLE_BUS_NAME_PORTAL "org.freedesktop.portal.BackgroundTransfer"

#define TRUNDLE_OBJECT_PATH "/org/freedesktop/BackgroundTransfer1"
#define TRUNDLE_SESSION_PATH TRUNDLE_OBJECT_PATH "/session"
#define TRUNDLE_TASK_PATH TRUNDLE_OBJECT_PATH "/task"
#define TRUNDLE_WORKER_PATH TRUNDLE_OBJECT_PATH "/worker"

#define TRUNDLE_INTERFACE_MANAGER "org.freedesktop.BackgroundTransfer1"
#define TRUNDLE_INTERFACE_SESSION "org.freedesktop.BackgroundTransfer1.Session"
#define TRUNDLE_INTERFACE_TASK "org.freedesktop.BackgroundTransfer1.Task"
#define TRUNDLE_INTERFACE_CONTROL "org.freedesktop.BackgroundTransfer1.Control"

/* Private, peer to peer, never on a bus: the worker's side and the daemon's side. */
#define TRUNDLE_INTERFACE_WORKER "org.freedesktop.BackgroundTransfer1.Worker"
#define TRUNDLE_INTERFACE_BROKER "org.freedesktop.BackgroundTransfer1.Worker.Broker"

#define TRUNDLE_ERROR_PREFIX "org.freedesktop.BackgroundTransfer1.Error."

/* Version of the interfaces above, and of the protocol between daemon and worker. */
#define TRUNDLE_INTERFACE_VERSION 1
#define TRUNDLE_WORKER_PROTOCOL 2
