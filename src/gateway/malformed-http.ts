import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { CodedError } from '../domain/errors.ts';

/**
 * Answers what is not HTTP, before it could become a request, in OpenAI's error shape, and closes the connection. A
 * connection on which an answer is already under way is only closed: a second answer would end up inside the first.
 */
export function answerMalformedHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && socket.writable && !answerUnderWay(socket)) {
    const coded = malformed(error.code);
    const body = JSON.stringify(coded.toBody());
    const head = `HTTP/1.1 ${coded.status} ${STATUS_CODES[coded.status]}\r\nconnection: close\r\ncontent-type: application/json`;
    socket.write(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }
  socket.destroySoon();
}

function malformed(code: string | undefined): CodedError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new CodedError('headers_too_large', 'The request headers are too large. Send fewer or shorter ones.');
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new CodedError('request_timeout', 'The request did not arrive in time.');
  }
  return new CodedError('bad_http', 'This is not a well-formed HTTP request.');
}

/** Node keeps the response that a socket carries there, and decides by it in the same way (`lib/_http_server.js`). */
function answerUnderWay(socket: Socket & { _httpMessage?: ServerResponse | null }): boolean {
  return socket._httpMessage?.headersSent === true;
}

/** Nobody needs to be told to go on, so an expectation that Node does not know is no reason to refuse a request. */
export function ignoreExpectations({ server }: FastifyInstance): void {
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}
