/**
 * The parts of the report that no measurement changes: how things are measured, and what is not fair about it. The
 * page takes them as they are.
 */

export const method = `## Method

- The fleet is made of the product's own scouts (session, link, executor, outbox, \`ws\` socket), many to a process.
  Their provider answers at once with numbered, timed and hashed pieces, so that a reader can check order and content
  and separate the provider's time from the network's. \`--provider demo\` uses the product's demo provider instead.
- The hub is the product's own composition in a process of its own. One setting differs: upgrades per second and
  address, because the whole fleet dials from one machine. It runs with its store on disk.
- Contenders take turns in the same run; medians of the rounds are shown, and ratios are medians of the ratios of
  neighbouring rounds. Each load runs for at least 8 seconds before its
  first window opens, because the runtime compiles that long.
- Processor time and memory are the process's own, from /proc; on a machine that is busy with other things
  they stay valid where wall-clock times do not.
- Open loops send at their rate whether or not answers come, and a request counts from the moment it was due: a stall
  is charged to everybody who came during it. A delay of the generator's own timer of up to one tick is not charged.
- Added time of a whole answer is the client's time less the time that the provider reports. Added time between tokens
  is the difference between the two times at the reader less that between the same two at the provider; both need no
  common clock.`

export const unfair = `## What is not fair

- Hub, fleet and load generators share the cores of one machine. A server that costs its workers and clients more looks
  slower than it is, and so does the hub: its scouts do far more than a bare socket.
- The raw echo has no workers, no keys, no placement and one network hop; the raw relay has no flow control, no leases
  and no cancellation, and would lose data that the hub may not.
- Everything is loopback: no packet is lost or late, and there is no TLS.
- Sockets: a process has descriptors for some 20,000 here, the hub takes four fifths of them, and 28,000 ports fit
  between two addresses; larger fleets are spread over processes and addresses by the same command.`
