// SPDX-FileCopyrightText: 2026 The Trundle authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The tus server of npm: server.mjs MODULES DIRECTORY SETTINGS.  SETTINGS is JSON, options
// of its Server, and `expires_ms`.  The files and stored.log, a line "id from to" for all
// that one request left in a file, are in DIRECTORY.  Prints its port.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import {createRequire} from 'node:module';

const [modules, directory, settings] = process.argv.slice(2);
const {expires_ms: expires, ...options} = JSON.parse(settings);
const require = createRequire(path.join(modules, 'package.json'));
const {Server} = require('@tus/server');
const {FileStore} = require('@tus/file-store');

class LoggingStore extends FileStore {
  async write(readable, id, offset) {
    try {
      return await super.write(readable, id, offset);
    } finally {
      // Also when the request was cut off: what is there stays.
      const {size} = fs.statSync(path.join(directory, id));
      fs.appendFileSync(path.join(directory, 'stored.log'), `${id} ${offset} ${size}\n`);
    }
  }
}

const tus = new Server({
  path: '/files',
  datastore: new LoggingStore({directory, expirationPeriodInMilliseconds: expires}),
  ...options,
});
const server = http.createServer(tus.handle.bind(tus));
server.listen({host: '127.0.0.1', port: 0}, () => console.log(server.address().port));
