#pragma once
#include <nanobind/nanobind.h>

namespace tomostream {

void bind_copier(nanobind::module_& module);

}  // namespace tomostream
