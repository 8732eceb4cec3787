// Ctrl-C and its kin as a wish: what is done comes to an end between two steps, tells how far it got, and only then the
// process dies of the signal.

#pragma once

namespace tool {

// From here on SIGINT, SIGTERM and SIGHUP are noted, those that our caller has ignored (nohup) stay ignored. A second
// one of a kind kills as ever, in case that the step never ends.
void note_interrupts();

// The signal that came, or 0. May be asked in any thread.
int interrupted() noexcept;

// So that a shell sees what ended us, and ends its script or loop.
[[noreturn]] void die_of(int signal);

}  // namespace tool
