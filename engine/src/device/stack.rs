//! Stacks the tools around a device, the same way for the program, scenarios and tests.

use std::rc::Rc;

use crate::device::{Clock, Device, FaultPlan, Faulty, Guard, Guarded, TraceSink, Traced};

/// Which tools to put around a device.
#[derive(Default)]
pub struct StackOptions<'a> {
    /// Write every exchange here.
    pub trace: Option<Box<dyn TraceSink + 'a>>,
    /// Keep data up to this length whole in the trace, in bytes; `None` for the usual length.
    pub trace_keep: Option<usize>,
    /// Let only these commands pass.
    pub guard: Option<Guard>,
    /// Let the wire fail so.
    pub faults: FaultPlan,
}

/// `device` with the tools of `options` around it. From the inside out: faults, so that they are
/// the wire's; trace, so that it shows them; guard, so that what it refuses is not in the trace as
/// if it had been sent.
pub fn stack<'a>(
    device: Box<dyn Device + 'a>,
    clock: Rc<dyn Clock + 'a>,
    options: StackOptions<'a>,
) -> Box<dyn Device + 'a> {
    let mut device = device;
    if !options.faults.is_empty() {
        device = Box::new(Faulty::new(device, clock.clone(), options.faults));
    }
    if let Some(sink) = options.trace {
        let traced = Traced::new(device, clock, sink);
        device = match options.trace_keep {
            Some(bytes) => Box::new(traced.keep(bytes)),
            None => Box::new(traced),
        };
    }
    if let Some(guard) = options.guard {
        device = Box::new(Guarded::new(device, guard));
    }
    device
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Cdb, Data, DeviceErrorKind, ManualClock};
    use crate::testing::{Answer, Scripted, request};

    #[test]
    fn the_trace_shows_faults_and_not_what_was_refused() {
        let mut drive = Scripted::new().always(0, Answer::good());
        let mut lines = Vec::new();
        let options = StackOptions {
            trace: Some(Box::new(&mut lines)),
            guard: Some(Guard::ASKS_ONLY),
            faults: vec!["reset@2".parse().unwrap()],
            ..Default::default()
        };
        let mut device = stack(Box::new(&mut drive), Rc::new(ManualClock::new()), options);
        let mut send = |cdb: &[u8]| {
            device.execute(&request(Cdb::new(cdb)), Data::None).map_err(|error| error.kind)
        };
        assert!(send(&[0; 6]).is_ok());
        assert_eq!(send(&[0xa1; 12]), Err(DeviceErrorKind::Refused));
        assert_eq!(send(&[0; 6]), Err(DeviceErrorKind::Reset));
        drop(device);
        assert_eq!(lines.len(), 3, "header and two exchanges: {lines:?}");
        assert!(lines[2].contains(" reset +"), "{}", lines[2]);
        assert_eq!(drive.log().len(), 1);
    }
}
