// The extension API that osquery speaks, as far as field numbers, types and wire names go.
// What this project calls and serves; see docs/protocol.md.

namespace c_glib Wire

struct InternalOptionInfo {
  1: string value,
  2: string default_value,
  3: string type,
}

struct InternalExtensionInfo {
  1: string name,
  2: string version,
  3: string sdk_version,
  4: string min_sdk_version,
}

struct ExtensionStatus {
  1: i32 code,
  2: string message,
  3: i64 uuid,
}

struct ExtensionResponse {
  1: ExtensionStatus status,
  2: list<map<string, string>> response,
}

exception ExtensionException {
  1: i32 code,
  2: string message,
  3: i64 uuid,
}

service Extension {
  ExtensionStatus ping(),
  ExtensionResponse call(1: string registry, 2: string item, 3: map<string, string> request),
  void shutdown(),
}

service ExtensionManager extends Extension {
  map<i64, InternalExtensionInfo> extensions(),
  map<string, InternalOptionInfo> options(),
  ExtensionStatus registerExtension(
    1: InternalExtensionInfo info,
    2: map<string, map<string, list<map<string, string>>>> registry),
  ExtensionStatus deregisterExtension(1: i64 uuid),
  ExtensionResponse query(1: string sql),
  ExtensionResponse getQueryColumns(1: string sql),
}
