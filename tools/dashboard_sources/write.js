// Writes each dashboard to FOLDER/NAME.json: write.js FOLDER. tools/dashboards calls it.
'use strict';

const fs = require('fs');
const path = require('path');

const folder = process.argv[2];
for (const name of ['overview', 'agw', 'alg', 'security']) {
  const dashboard = require(`./${name}`)();
  fs.writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(dashboard, null, 2)}\n`);
}
