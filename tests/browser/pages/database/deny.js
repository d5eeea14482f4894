// SPDX-License-Identifier: Apache-2.0
// Takes from the worker what its address asks for: ?opfs, ?opfs=denied, ?indexeddb,
// ?indexeddb=denied.
const asked = new URLSearchParams(self.location.search);

const denied = () => {
  throw new DOMException('The user denied permission to access storage.', 'SecurityError');
};

if (asked.get('opfs') === '') Reflect.deleteProperty(StorageManager.prototype, 'getDirectory');
if (asked.get('opfs') === 'denied') StorageManager.prototype.getDirectory = async () => denied();
if (asked.get('indexeddb') === '') {
  Object.defineProperty(globalThis, 'indexedDB', { value: undefined });
}
if (asked.get('indexeddb') === 'denied') IDBFactory.prototype.open = denied;
