// The sweep that happens by itself.

#pragma once

namespace tempfile {

// Once in a process, before its first named file or directory.
void sweep_once();

}  // namespace tempfile
