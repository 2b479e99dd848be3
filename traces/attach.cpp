#include "traces/attach.hpp"

#include <stdexcept>
#include <systemc>

namespace chronotile::traces {
namespace {

void attach_tree(sc_core::sc_object& object, probe::Observer& observer) {
  if (auto* traceable = dynamic_cast<probe::Traceable*>(&object)) {
    traceable->attach(observer);
  }
  for (sc_core::sc_object* child : object.get_child_objects()) {
    attach_tree(*child, observer);
  }
}

}  // namespace

void attach_all(probe::Observer& observer, const std::string& root) {
  if (!root.empty()) {
    sc_core::sc_object* object = sc_core::sc_find_object(root.c_str());
    if (object == nullptr) {
      throw std::invalid_argument("attach_all: no module '" + root + "'");
    }
    attach_tree(*object, observer);
    return;
  }
  for (sc_core::sc_object* object : sc_core::sc_get_top_level_objects()) {
    attach_tree(*object, observer);
  }
}

}  // namespace chronotile::traces
