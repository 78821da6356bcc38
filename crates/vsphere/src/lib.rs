//! Console tickets from ESXi and vCenter: the few vim25 SOAP calls they take.
