/**
 * Links over Unix sockets. Who listens gets a link for each process that dials; who dials gets one. A path that a dead
 * process left behind is removed before it is listened at: the system does not do that, and a socket's path cannot be
 * told from one in use but by dialing it, which the folder's lock makes unnecessary.
 */
import { chmodSync, rmSync } from 'node:fs'
import type { Socket, SocketHandler } from 'bun'
import type { System } from '../../shared/system.ts'
import { Link, type LinkSocket } from './link.ts'

/** What the owner of a link does with what comes over it. */
export interface LinkEnd<In> {
  receive: (message: In, body: Uint8Array | null) => void
  ended: (why: string, isSilent: boolean) => void
}

interface Data<In, Out> {
  link: Link<In, Out> | null
}

/** Owner only: whoever may write here is believed. */
const socketMode = 0o600

/** Listens at `path`; `met` is called with each new link and says what to do with its messages. */
export function listenLinks<In, Out>(
  system: System,
  path: string,
  met: (link: Link<In, Out>) => LinkEnd<In>,
): { stop(): void } {
  rmSync(path, { force: true })
  const listener = Bun.listen<Data<In, Out>>({
    unix: path,
    socket: handler((socket) => {
      let end: LinkEnd<In> | null = null
      const link = linkOver<In, Out>(system, socket, {
        receive: (message, body) => end?.receive(message, body),
        ended: (why, isSilent) => end?.ended(why, isSilent),
      })
      end = met(link)
      return link
    }),
    data: { link: null },
  })
  chmodSync(path, socketMode)
  return {
    stop() {
      listener.stop(false)
      rmSync(path, { force: true })
    },
  }
}

/** Dials `path`. Rejects when nobody listens there. */
export async function dialLink<In, Out>(system: System, path: string, end: LinkEnd<In>): Promise<Link<In, Out>> {
  const socket = await Bun.connect<Data<In, Out>>({
    unix: path,
    socket: handler((opened) => linkOver(system, opened, end)),
    data: { link: null },
  })
  return socket.data.link!
}

function handler<In, Out>(made: (socket: Socket<Data<In, Out>>) => Link<In, Out>): SocketHandler<Data<In, Out>> {
  return {
    binaryType: 'buffer',
    open(socket) {
      socket.data = { link: made(socket) }
    },
    data: (socket, piece) => socket.data.link?.received(piece),
    drain: (socket) => socket.data.link?.drained(),
    close: (socket) => socket.data.link?.closed(),
    // Also of what was thrown by who received a message: a defect, after which the two are not in step any more.
    error: (socket, error) => socket.data.link?.end(`an error ended the link: ${error.message}`),
  }
}

function linkOver<In, Out>(system: System, socket: Socket<Data<In, Out>>, end: LinkEnd<In>): Link<In, Out> {
  const line: LinkSocket = {
    write: (bytes) => socket.write(bytes),
    terminate: () => socket.terminate(),
  }
  return new Link<In, Out>({ system, socket: line, receive: end.receive, ended: end.ended })
}
