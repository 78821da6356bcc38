//! A plain VNC port for every ESXi virtual machine console.
