// Which exponentials of a filter are slow enough for a coarse grid, and their weights there.
#pragma once
#include "kernels.hpp"

namespace tomostream {

// Sort all exponentials of a filter into fast and slow ones.
RecursiveFilter with_slow_poles(const RecursiveFilter&);

}  // namespace tomostream
