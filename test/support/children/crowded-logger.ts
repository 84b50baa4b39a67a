/** Logs to the file argv[2] until the limit on file sizes stops it, makes room, logs one more line; prints the warnings. */
import { truncateSync } from 'node:fs';
import { createLogger } from '../../../src/system/logger.ts';

const file = process.argv[2] ?? '';
const warnings: string[] = [];
const logger = createLogger(file, (line) => warnings.push(line));
while (warnings.length === 0) logger.info({ filler: 'x'.repeat(1000) }, 'a long line');
logger.fatal({ filler: 'x'.repeat(1000) }, 'lost too');
truncateSync(file);
logger.info('the last line');
process.stdout.write(JSON.stringify(warnings));
