import type { Socket } from 'node:net'

import type { Endpoint } from './loopback.ts'

/** A segment as a machine on it sees it. */
export interface Wire {
  hold(member: Member, address: string): void
  drop(member: Member, address: string): void
  /** from now on `member` answers for the address, if it holds it */
  announce(member: Member, address: string): void
  ownerOf(address: string): Member | null
  /** What a machine wants open at these ports may have changed. */
  refresh(address: string, ports: Iterable<number>): void
  /** Where an address and port really are; null: nobody listens. */
  locate(address: string, port: number): Promise<Endpoint | null>
  send(from: Member, packet: Buffer, source: string): void
  /** who called, as the segment knows it */
  callerOf(socket: Socket): Endpoint
  /** Says who a socket that just connected belongs to. */
  connected(socket: Socket, source: Endpoint): void
}

/** A machine as the segment sees it. */
export interface Member {
  /** false: the cable is out */
  readonly linkUp: boolean
  wants(address: string, port: number): boolean
  wantedPorts(address: string): number[]
  arrive(socket: Socket, local: Endpoint): void
  receive(packet: Buffer, source: string): void
  /** Gives up every socket. */
  cut(): void
}
